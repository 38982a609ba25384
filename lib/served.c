/*
 * Which server, which mode. There is no variable that says so; but each
 * server names itself, and mod_proxy_fcgi leaves a trace in SCRIPT_FILENAME
 * where mod_fcgid gives the path of the program.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth.h"
#include "served.h"

/* No need to write it down at each request. */
#define EVERY_MS 60000

/*
 * The share that polls may take: of 20 to 30 processes that a shared host
 * allows an account; of mod_fcgid's 100 processes of a kind; of Apache's 150
 * threads; of nginx's 768 connections, two for each; of lighttpd's 7000, as our
 * config sets them.
 */
static const struct {
	const char *name;
	int64_t waiters;
} modes[PL_MODE__MAX] = {
    [PL_MODE_UNKNOWN] = {"FastCGI, unknown server", 100},
    [PL_MODE_CGI] = {"plain CGI", 10},
    [PL_MODE_FCGID] = {"Apache mod_fcgid", 50},
    [PL_MODE_PROXY_FCGI] = {"Apache mod_proxy_fcgi", 100},
    [PL_MODE_LIGHTTPD] = {"lighttpd mod_fastcgi", 6000},
    [PL_MODE_NGINX] = {"nginx", 300},
};

const char *
pl_mode_name(enum pl_mode mode)
{
	return modes[(unsigned)mode < PL_MODE__MAX ? mode : PL_MODE_UNKNOWN]
	    .name;
}

enum pl_mode
pl_mode_of(const struct pl_request *req, bool is_cgi)
{
	if (is_cgi)
		return PL_MODE_CGI;
	if (strncmp(req->software, "lighttpd", 8) == 0)
		return PL_MODE_LIGHTTPD;
	if (strncmp(req->software, "nginx", 5) == 0)
		return PL_MODE_NGINX;
	if (strncmp(req->script, "proxy:", 6) == 0)
		return PL_MODE_PROXY_FCGI;
	if (strncmp(req->software, "Apache", 6) == 0)
		return PL_MODE_FCGID;
	return PL_MODE_UNKNOWN;
}

int64_t
pl_mode_waiters(const struct pl_config *config, enum pl_mode mode)
{
	return config->max_waiters_set ? config->max_waiters
				       : modes[mode].waiters;
}

static int64_t
limit_of(int resource)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) != 0 || rl.rlim_cur == RLIM_INFINITY)
		return -1;
	return (int64_t)rl.rlim_cur;
}

static int64_t
process_limit(void)
{
#ifdef RLIMIT_NPROC
	return geteuid() == 0 ? -1 : limit_of(RLIMIT_NPROC);
#else
	return -1;
#endif
}

static bool
is_time(int64_t then, int64_t now)
{
	return now < then || now - then >= EVERY_MS;
}

/* Is it one that nobody but an agent or a host application sends? */
static bool
needs_credential(enum pl_program program, const struct pl_request *req)
{
	if (program == PL_EVENTS)
		return req->method == PL_GET;
	return (req->method == PL_GET &&
		   strstr(req->uri, "/api/widget/presence") != NULL) ||
	       (req->method == PL_POST &&
		   strstr(req->uri, "/api/conversations") != NULL);
}

/* Something came with an Authorization, or came without where it needs one:
 * if that is all that ever comes, the server keeps it to itself. */
static void
note_credential(struct pl_served *s, enum pl_program program,
    const struct pl_request *req, int64_t now)
{
	if (req->authorization[0] != '\0') {
		if (is_time(s->authorized_at, now))
			s->authorized_at = now;
		s->bare = 0;
	} else if (!needs_credential(program, req))
		return;
	else if (strstr(req->cookie, PL_COOKIE "=") != NULL) {
		if (is_time(s->cookie_at, now))
			s->cookie_at = now;
	} else if (s->bare < UINT32_MAX && req->remote_user[0] == '\0')
		s->bare++;
}

static bool
is_same(const struct pl_served *s, enum pl_mode mode, int64_t waiters,
    const struct pl_request *req)
{
	return s->at != 0 && s->mode == mode && s->waiters == waiters &&
	       strncmp(s->software, req->software, sizeof(s->software) - 1) ==
		   0 &&
	       strncmp(s->document_root, req->document_root,
		   sizeof(s->document_root) - 1) == 0;
}

/* Processes may write at once: they write the same. */
void
pl_served_note(struct pl_shared *shared, enum pl_program program,
    const struct pl_config *config, const struct pl_request *req, bool is_cgi,
    int64_t now)
{
	struct pl_served *s = &shared->page->served[program];
	enum pl_mode mode = pl_mode_of(req, is_cgi);
	int64_t waiters = pl_mode_waiters(config, mode);

	if (s->mode != mode) /* of the server before nothing follows */
		s->authorized_at = s->cookie_at = s->bare = 0;
	note_credential(s, program, req, now);
	if (!is_same(s, mode, waiters, req))
		s->at = s->seen_at = now;
	else if (is_time(s->seen_at, now))
		s->seen_at = now;
	else
		return;
	s->mode = mode;
	s->files = limit_of(RLIMIT_NOFILE);
	s->processes = process_limit();
	s->waiters = waiters;
	s->sqlite = sqlite3_libversion_number();
	snprintf(s->software, sizeof(s->software), "%s", req->software);
	snprintf(s->document_root, sizeof(s->document_root), "%s",
	    req->document_root);
}
