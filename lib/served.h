#ifndef PL_SERVED_H
#define PL_SERVED_H

#include "config.h"
#include "http.h"
#include "shared.h"

/* How the web server runs the programs: told by what it says of itself. */
enum pl_mode {
	PL_MODE_UNKNOWN,
	PL_MODE_CGI,
	PL_MODE_FCGID,      /* Apache mod_fcgid: one request a process */
	PL_MODE_PROXY_FCGI, /* Apache mod_proxy_fcgi */
	PL_MODE_LIGHTTPD,
	PL_MODE_NGINX,
	PL_MODE__MAX
};

enum pl_mode pl_mode_of(const struct pl_request *, bool is_cgi);
const char *pl_mode_name(enum pl_mode);

/*
 * How many polls may be held: maxWaiters if it is set; else a safe share of
 * what the server holds by itself, as it comes or with the config we ship.
 */
int64_t pl_mode_waiters(const struct pl_config *, enum pl_mode);

/* Notes for `porchlight doctor` how this program is served, if that is new. */
void pl_served_note(struct pl_shared *, enum pl_program,
    const struct pl_config *, const struct pl_request *, bool is_cgi,
    int64_t now);

#endif
