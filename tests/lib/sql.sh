#!/bin/sh
# Every place where SQL goes to SQLite, against the list below: statements are
# compiled in from sql/, and what comes from outside is bound. Who adds a place
# has to look here, and say why no text from outside can get there.
set -eu
cd "$(dirname "$0")/../.."

# The call and its first two arguments, the connection and the text.
places() {
  for file in lib/*.c lib/*.h cgi-bin/*.c; do
    tr -s ' \t\n' ' ' <"$file" |
      grep -oE '\b(sqlite3_(exec|prepare[a-z0-9_]*|get_table|v?mprintf|v?snprintf|str_[a-z]+)|exec)\([^,;]*, [^,;)]*' |
      sed "s|^|$file: |" || :
  done | LC_ALL=C sort
}

# sql: exec()'s own argument, and read_pragma()'s, two pragmas by name.
# pragma: "… PRAGMA user_version = %d", a number of ours.
expected() {
  cat <<'END'
lib/doctor_sqlite.c: sqlite3_prepare_v2(db, "PRAGMA quick_check(1
lib/sqlite_stmt.c: sqlite3_prepare_v3(s->db, pl_sql_text[which]
lib/store_sqlite.c: exec(s, "BEGIN IMMEDIATE"
lib/store_sqlite.c: exec(s, "COMMIT"
lib/store_sqlite.c: exec(s, "PRAGMA journal_mode = DELETE
lib/store_sqlite.c: exec(s, "PRAGMA journal_mode = WAL"
lib/store_sqlite.c: exec(s, "PRAGMA locking_mode = EXCLUSIVE"
lib/store_sqlite.c: exec(s, "PRAGMA page_size = 1024
lib/store_sqlite.c: exec(s, pl_sql_migration[n]
lib/store_sqlite.c: exec(s, pragma
lib/store_sqlite.c: exec(struct pl_sqlite *s, const char *sql
lib/store_sqlite.c: sqlite3_exec(s->db, "ROLLBACK"
lib/store_sqlite.c: sqlite3_exec(s->db, sql
lib/store_sqlite.c: sqlite3_prepare_v2(s->db, sql
END
}

found=$(mktemp)
trap 'rm -f "$found"' EXIT
places >"$found"
expected | diff - "$found" || {
  echo "SQL reaches SQLite in another place than those known (see $0)" >&2
  exit 1
}
