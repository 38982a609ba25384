/*
 * Which server, which mode. There is no variable that says so; but each
 * server names itself, and mod_proxy_fcgi leaves a trace in SCRIPT_FILENAME
 * where mod_fcgid gives the path of the program.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "served.h"

#define AUTHORIZED_EVERY_MS                                                    \
	60000 /* no need to write it down at each request                      \
	       */

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
open_files(void)
{
	struct rlimit rl;

	return getrlimit(RLIMIT_NOFILE, &rl) == 0 ? (int64_t)rl.rlim_cur : 0;
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

	if (req->authorization[0] != '\0' &&
	    (now < s->authorized_at ||
		now - s->authorized_at >= AUTHORIZED_EVERY_MS))
		s->authorized_at = now;
	if (s->at != 0 && s->mode == mode && s->waiters == waiters &&
	    strncmp(s->software, req->software, sizeof(s->software) - 1) == 0 &&
	    strncmp(s->document_root, req->document_root,
		sizeof(s->document_root) - 1) == 0)
		return;
	s->at = now;
	s->mode = mode;
	s->files = open_files();
	s->waiters = waiters;
	snprintf(s->software, sizeof(s->software), "%s", req->software);
	snprintf(s->document_root, sizeof(s->document_root), "%s",
	    req->document_root);
}
