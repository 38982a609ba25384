# Makes lib/sql.h or lib/sql.c out of the statements of sql/.
#
# usage: awk -v what=header|source -f embed.awk query/*.sql migrate/*.sql
#
# One statement a file. query/area.name.sql becomes PL_SQL_AREA_NAME, and its
# leading "--" lines (what goes in, what comes out, why) become the comment of
# that enumerator. migrate/NNNN-name.sql becomes entry NNNN of
# pl_sql_migration[], in the order of the names.

function file_base(path,    n, part) {
	n = split(path, part, "/")
	return part[n]
}

function is_migration(path) {
	return path ~ /(^|\/)migrate\//
}

function quoted(line) {
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	return "\t\"" line "\\n\"\n"
}

FNR == 1 {
	file++
	path[file] = FILENAME
	head = 1
}

head && /^--/ {
	sub(/^-- ?/, "")
	comment[file] = comment[file] "\n\t * " $0
	next
}

{
	head = 0
	if ($0 !~ /^[ \t]*$/ && $0 !~ /^[ \t]*--/)
		text[file] = text[file] quoted($0)
}

END {
	print "/* Made by sql/embed.awk from the files of sql/; not to be edited. */"
	if (what == "header")
		header()
	else
		source()
}

function enumerator(i,    name) {
	name = toupper(file_base(path[i]))
	sub(/\.SQL$/, "", name)
	gsub(/[^A-Z0-9]/, "_", name)
	return "PL_SQL_" name
}

function header(    i) {
	print "#ifndef PL_SQL_H\n#define PL_SQL_H\n\nenum pl_sql {"
	for (i = 1; i <= file; i++)
		if (!is_migration(path[i]))
			printf "\t/*%s\n\t */\n\t%s,\n", comment[i], enumerator(i)
	print "\tPL_SQL__MAX\n};\n"
	print "extern const char *const pl_sql_text[PL_SQL__MAX];"
	print "extern const char *const pl_sql_name[PL_SQL__MAX];\n"
	print "/* Migration n brings user_version from n to n + 1; NULL at the end. */"
	print "extern const char *const pl_sql_migration[];\n\n#endif"
}

function source(    i) {
	print "#include <stddef.h>\n\n#include \"sql.h\"\n"
	print "const char *const pl_sql_text[PL_SQL__MAX] = {"
	for (i = 1; i <= file; i++)
		if (!is_migration(path[i]))
			printf "\t[%s] =\n%s\t,\n", enumerator(i), text[i]
	print "};\n\nconst char *const pl_sql_name[PL_SQL__MAX] = {"
	for (i = 1; i <= file; i++)
		if (!is_migration(path[i]))
			printf "\t[%s] = \"%s\",\n", enumerator(i), file_base(path[i])
	print "};\n\nconst char *const pl_sql_migration[] = {"
	for (i = 1; i <= file; i++)
		if (is_migration(path[i]))
			printf "\t/* %s */\n%s\t,\n", file_base(path[i]), text[i]
	print "\tNULL\n};"
}
