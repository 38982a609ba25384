/*
 * The config file: "name = value" lines, "#" comments, nothing else; one
 * file for both programs and the command. A name that is not known is a
 * mistake, and a mistake is told with file, line and what was expected.
 *
 * Who shortens the window alone (timeoutMs = 3000) gets beats to match: what
 * was not set follows the window, so that no widget beats too late to stay.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_GETAUXVAL
#include <sys/auxv.h>
#endif

#include "config.h"
#include "files.h"

#define LINE 2048

struct setting {
	const char *name;
	size_t offset;
	int64_t preset, least, most;
};

static const struct setting settings[] = {
#define ROW(name, member, preset, least, most)                                 \
	{name, offsetof(struct pl_config, member), preset, least, most},
    PL_CONFIG_NUMBERS(ROW)
#undef ROW
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

/* What is being read: the config, where we are, and what has been set. */
struct reader {
	struct pl_config *config;
	const char *place;
	int line; /* 0: not a file */
	bool was_set[NSETTINGS];
};

__attribute__((format(printf, 2, 3))) static enum pl_err
mistake(struct reader *r, const char *fmt, ...)
{
	char *out = r->config->error;
	size_t size = sizeof(r->config->error);
	va_list ap;
	int n;

	n = r->line > 0 ? snprintf(out, size, "%s:%d: ", r->place, r->line)
			: snprintf(out, size, "%s: ", r->place);
	if (n < 0 || (size_t)n >= size)
		return PL_ERR_CONFIG;
	va_start(ap, fmt);
	vsnprintf(out + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return PL_ERR_CONFIG;
}

static int64_t *
number(struct pl_config *c, const struct setting *s)
{
	return (int64_t *)(void *)((char *)c + s->offset);
}

static enum pl_err
set_number(struct reader *r, size_t i, const char *value)
{
	const struct setting *s = &settings[i];
	long long n;
	char *end;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || n < s->least ||
	    n > s->most)
		return mistake(r,
		    "%s is \"%s\": expected a whole number from %lld to %lld",
		    s->name, value, (long long)s->least, (long long)s->most);
	*number(r->config, s) = n;
	r->was_set[i] = true;
	return PL_OK;
}

static enum pl_err
set_log(struct reader *r, const char *value)
{
	int i;

	for (i = 0; i < PL_LOG__MAX; i++)
		if (strcmp(value, pl_log_names[i]) == 0) {
			r->config->log = i;
			return PL_OK;
		}
	return mistake(
	    r, "log is \"%s\": expected error, warn, info or debug", value);
}

/* Absolute, or in a file: from the folder of that file. */
static enum pl_err
set_database(struct reader *r, const char *value)
{
	const char *slash = r->line > 0 ? strrchr(r->place, '/') : NULL;
	int folder = slash != NULL ? (int)(slash - r->place) + 1 : 0;
	int n;

	if (value[0] == '\0' || (value[0] != '/' && r->line == 0))
		return mistake(
		    r, "database is \"%s\": expected an absolute path", value);
	n = snprintf(r->config->database, sizeof(r->config->database), "%.*s%s",
	    value[0] == '/' ? 0 : folder, r->place, value);
	if (n < 0 || (size_t)n >= sizeof(r->config->database))
		return mistake(r, "database: the path is too long");
	return PL_OK;
}

static enum pl_err
set_sandbox(struct reader *r, const char *value)
{
	r->config->sandbox = strcmp(value, "on") == 0;
	if (!r->config->sandbox && strcmp(value, "off") != 0)
		return mistake(
		    r, "sandbox is \"%s\": expected on or off", value);
	return PL_OK;
}

static enum pl_err
set_remote_user_company(struct reader *r, const char *value)
{
	char *out = r->config->remote_user_company;

	if (strlen(value) >= sizeof(r->config->remote_user_company))
		return mistake(r, "remoteUserCompany: the name is too long");
	strcpy(out, value);
	return PL_OK;
}

/* "10.0.0.0/8, 2001:db8::/32": what stands later takes its place. */
static enum pl_err
set_networks(struct reader *r, const char *name, struct pl_networks *out,
    const char *value)
{
	const char *separators = ", \t";
	size_t n;

	out->n = 0;
	for (value += strspn(value, separators); *value != '\0';
	     value += n + strspn(value + n, separators)) {
		n = strcspn(value, separators);
		if (out->n == PL_NETWORKS_MAX)
			return mistake(r, "%s: expected at most %d of them",
			    name, PL_NETWORKS_MAX);
		if (pl_network_parse(value, n, &out->list[out->n]) != PL_OK)
			return mistake(r,
			    "%s: \"%.*s\": expected addresses, or networks "
			    "like 192.0.2.0/24",
			    name, (int)n, value);
		out->n++;
	}
	return PL_OK;
}

static enum pl_err
set_forwarded_header(struct reader *r, const char *value)
{
	r->config->proxies.forwarded = strcasecmp(value, "Forwarded") == 0;
	if (!r->config->proxies.forwarded &&
	    strcasecmp(value, "X-Forwarded-For") != 0)
		return mistake(r,
		    "forwardedHeader is \"%s\": expected X-Forwarded-For or "
		    "Forwarded",
		    value);
	return PL_OK;
}

/* Sets what `same` says is called so; PL_ERR_NOT_FOUND if nothing is. */
static enum pl_err
set(struct reader *r, const char *name, const char *value,
    bool (*same)(const char *, const char *))
{
	size_t i;

	if (same("database", name))
		return set_database(r, value);
	if (same("log", name))
		return set_log(r, value);
	if (same("trustedProxies", name))
		return set_networks(
		    r, "trustedProxies", &r->config->proxies.networks, value);
	if (same("metricsFrom", name))
		return set_networks(
		    r, "metricsFrom", &r->config->metrics_from, value);
	if (same("forwardedHeader", name))
		return set_forwarded_header(r, value);
	if (same("sandbox", name))
		return set_sandbox(r, value);
	if (same("remoteUserCompany", name))
		return set_remote_user_company(r, value);
	for (i = 0; i < NSETTINGS; i++)
		if (same(settings[i].name, name))
			return set_number(r, i, value);
	return PL_ERR_NOT_FOUND;
}

static bool
same_in_file(const char *setting, const char *name)
{
	return strcmp(setting, name) == 0;
}

/* timeoutMs is TIMEOUT_MS, TIMEOUTMS or timeoutMs. */
static bool
same_in_env(const char *setting, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '_')
			continue;
		if (tolower((unsigned char)*name) !=
		    tolower((unsigned char)*setting))
			return false;
		setting++;
	}
	return *setting == '\0';
}

/* Cuts white space off both ends, in place. */
static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

static enum pl_err
read_line(struct reader *r, char *line)
{
	char *name, *value;
	enum pl_err err;

	name = trim(line);
	if (*name == '\0' || *name == '#')
		return PL_OK;
	if ((value = strchr(name, '=')) == NULL)
		return mistake(r, "\"%.100s\": expected name = value", name);
	*value++ = '\0';
	name = trim(name);
	err = set(r, name, trim(value), same_in_file);
	if (err == PL_ERR_NOT_FOUND)
		return mistake(r, "\"%.100s\" is no setting", name);
	return err;
}

static enum pl_err
read_file(struct reader *r, FILE *f)
{
	char line[LINE];
	enum pl_err err;

	while (fgets(line, sizeof(line), f) != NULL) {
		r->line++;
		if (strchr(line, '\n') == NULL && !feof(f))
			return mistake(r,
			    "line too long: expected at most "
			    "%d characters",
			    LINE - 2);
		if ((err = read_line(r, line)) != PL_OK)
			return err;
	}
	if (ferror(f))
		return mistake(r, "cannot be read: %s", strerror(errno));
	return PL_OK;
}

static enum pl_err
read_path(struct reader *r, const char *path, bool must_exist)
{
	enum pl_err err;
	FILE *f;

	r->place = path;
	r->line = 0;
	if ((f = fopen(path, "re")) == NULL) {
		if (errno == ENOENT && !must_exist)
			return PL_OK;
		return mistake(r, "cannot be opened: %s", strerror(errno));
	}
	/* It says which database is used. Reading it is no harm: no setting is
	 * a secret. */
	if (pl_files_others_may(path, S_IWOTH))
		err = mistake(r,
		    "every user of this machine may change it: chmod o-w %s",
		    path);
	else
		err = read_file(r, f);
	fclose(f);
	return err;
}

static const char *
env_get(char *const env[], const char *name)
{
	size_t n = strlen(name);

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static enum pl_err
read_env(struct reader *r, char *const env[])
{
	static const char prefix[] = "PORCHLIGHT_";
	char name[64];
	const char *eq;
	enum pl_err err;

	r->line = 0;
	for (; env != NULL && *env != NULL; env++) {
		if (strncmp(*env, prefix, sizeof(prefix) - 1) != 0)
			continue;
		eq = strchr(*env, '=');
		if (eq == NULL || (size_t)(eq - *env) >= sizeof(name))
			continue;
		memcpy(name, *env, (size_t)(eq - *env));
		name[eq - *env] = '\0';
		r->place = name;
		err = set(r, name + sizeof(prefix) - 1, eq + 1, same_in_env);
		if (err != PL_OK && err != PL_ERR_NOT_FOUND)
			return err;
	}
	return PL_OK;
}

/*
 * porchlight.conf in the folder of the running program, if there is one: an
 * installation that is nothing but a folder needs no other place. Told by the
 * kernel, without /proc.
 */
static bool
beside_program(char *path, size_t size)
{
#ifdef HAVE_GETAUXVAL
	const char *program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char *slash = program != NULL ? strrchr(program, '/') : NULL;
	int n;

	if (slash == NULL)
		return false;
	n = snprintf(path, size, "%.*s/porchlight.conf", (int)(slash - program),
	    program);
	return n > 0 && (size_t)n < size && access(path, F_OK) == 0;
#else
	(void)path;
	(void)size;
	return false;
#endif
}

static bool
was_set(const struct reader *r, const int64_t *member)
{
	size_t i;

	for (i = 0; i < NSETTINGS; i++)
		if (number(r->config, &settings[i]) == member)
			return r->was_set[i];
	return false;
}

/* Settings that follow the window, and those that make no sense with it. */
static enum pl_err
settle(struct reader *r)
{
	struct pl_config *c = r->config;

	if (!was_set(r, &c->heartbeat_interval_ms) &&
	    c->heartbeat_interval_ms > c->timeout_ms / 2)
		c->heartbeat_interval_ms = c->timeout_ms / 2;
	if (!was_set(r, &c->min_beat_ms) && c->min_beat_ms > c->timeout_ms / 12)
		c->min_beat_ms = c->timeout_ms / 12;
	c->max_waiters_set = was_set(r, &c->max_waiters);
	r->place = "config";
	r->line = 0;
	if (c->min_beat_ms >= c->timeout_ms)
		return mistake(r,
		    "minBeatMs is %lld: expected less than "
		    "timeoutMs, %lld",
		    (long long)c->min_beat_ms, (long long)c->timeout_ms);
	if (c->hidden_timeout_ms < c->timeout_ms)
		c->hidden_timeout_ms = c->timeout_ms;
	return PL_OK;
}

enum pl_err
pl_config_load(struct pl_config *c, const char *path, char *const env[])
{
	struct reader r = {.config = c, .place = "config"};
	char beside[1024];
	bool named = true;
	enum pl_err err;
	size_t i;

	memset(c, 0, sizeof(*c));
	snprintf(c->database, sizeof(c->database), "%s", PL_DATABASE);
	c->log = PL_LOG_INFO;
	c->sandbox = true;
	err = set_networks(
	    &r, "metricsFrom", &c->metrics_from, "127.0.0.0/8, ::1");
	if (err != PL_OK)
		return err;
	for (i = 0; i < NSETTINGS; i++)
		*number(c, &settings[i]) = settings[i].preset;
	if (path == NULL)
		path = env_get(env, "PORCHLIGHT_CONFIG");
	if (path == NULL) {
		path = PL_CONFIG_FILE;
		named = beside_program(beside, sizeof(beside));
		if (named)
			path = beside;
	}
	snprintf(c->file, sizeof(c->file), "%s", path);
	if ((err = read_path(&r, path, named)) != PL_OK ||
	    (err = read_env(&r, env)) != PL_OK)
		return err;
	return settle(&r);
}
