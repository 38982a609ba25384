/*
 * Which server runs us, and what follows from it.
 */
#include <string.h>

#include "served.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

static struct pl_request req;
static struct pl_config config = {.max_waiters = 10000};

static void
open_request(void)
{
	tmpdir_make();
	pl_request_init(&req);
}

static void
close_request(void)
{
	pl_request_close(&req);
	tmpdir_remove();
}

TestSuite(served, .init = open_request, .fini = close_request);

Test(served, tells_the_servers_apart)
{
	cr_expect_eq(pl_mode_of(&req, true), PL_MODE_CGI);
	cr_expect_eq(pl_mode_of(&req, false), PL_MODE_UNKNOWN);
	req.software = "lighttpd/1.4.69";
	cr_expect_eq(pl_mode_of(&req, false), PL_MODE_LIGHTTPD);
	cr_expect_eq(pl_mode_of(&req, true), PL_MODE_CGI);
	req.software = "nginx/1.22.1";
	cr_expect_eq(pl_mode_of(&req, false), PL_MODE_NGINX);
	req.software = "Apache/2.4.62 (Debian)";
	req.script = "/usr/lib/porchlight/events.fcgi";
	cr_expect_eq(pl_mode_of(&req, false), PL_MODE_FCGID);
	req.script = "proxy:fcgi://localhost/api/health";
	cr_expect_eq(pl_mode_of(&req, false), PL_MODE_PROXY_FCGI);
	cr_expect_str_eq(pl_mode_name(PL_MODE_FCGID), "Apache mod_fcgid");
	cr_expect_str_eq(
	    pl_mode_name((enum pl_mode)99), "FastCGI, unknown server");
}

/* Unless the config says so: few where each poll is a process. */
Test(served, each_server_has_its_share)
{
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_LIGHTTPD), 6000);
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_NGINX), 300);
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_PROXY_FCGI), 100);
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_CGI), 10);
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_FCGID), 50);
	config.max_waiters_set = true;
	config.max_waiters = 50;
	cr_expect_eq(pl_mode_waiters(&config, PL_MODE_CGI), 50);
}

Test(served, notes_how_it_is_served_once)
{
	struct pl_shared shared;
	struct pl_served *s;

	cr_assert_eq(pl_shared_open(&shared, tmpdir_path("db"), 0), PL_OK);
	s = &shared.page->served[PL_EVENTS];
	req.software = "nginx/1.22.1";
	req.document_root = "/srv/www";
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0);
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 5);
	cr_expect_eq(s->at, T0);
	cr_expect_eq(s->mode, (uint32_t)PL_MODE_NGINX);
	cr_expect_eq(s->waiters, 300);
	cr_expect_gt(s->files, 0);
	cr_expect_str_eq(s->software, "nginx/1.22.1");
	cr_expect_str_eq(s->document_root, "/srv/www");
	cr_expect_eq(s->authorized_at, 0);
	req.authorization = "Bearer x";
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 9);
	cr_expect_eq(s->at, T0);
	cr_expect_eq(s->authorized_at, T0 + 9);
	req.software = "Apache";
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 10);
	cr_expect_eq(s->at, T0 + 10);
	pl_shared_close(&shared);
}

/* To the minute: it is no log of requests. */
Test(served, notes_when_it_was_last_served)
{
	struct pl_shared shared;
	struct pl_served *s;

	cr_assert_eq(pl_shared_open(&shared, tmpdir_path("db"), 0), PL_OK);
	s = &shared.page->served[PL_EVENTS];
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0);
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 59999);
	cr_expect_eq(s->seen_at, T0);
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 60000);
	cr_expect_eq(s->seen_at, T0 + 60000);
	cr_expect_eq(s->at, T0);
	cr_expect_gt(s->sqlite, 3037000);
	pl_shared_close(&shared);
}

static uint32_t
bare_after(struct pl_shared *shared, enum pl_program program,
    enum pl_method method, const char *uri)
{
	req.method = method;
	req.uri = uri;
	pl_served_note(shared, program, &config, &req, false, T0);
	return shared->page->served[program].bare;
}

/* What only an agent or a host asks for, without anything to show for it. */
Test(served, counts_what_comes_without_a_credential)
{
	struct pl_shared shared;

	cr_assert_eq(pl_shared_open(&shared, tmpdir_path("db"), 0), PL_OK);
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_GET, "/x"), 1);
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_OPTIONS, "/x"), 1);
	cr_expect_eq(
	    bare_after(&shared, PL_PRESENCE, PL_GET, "/api/health"), 0);
	cr_expect_eq(
	    bare_after(&shared, PL_PRESENCE, PL_POST, "/api/widget/heartbeat"),
	    0);
	cr_expect_eq(
	    bare_after(&shared, PL_PRESENCE, PL_GET, "/api/widget/presence?x"),
	    1);
	cr_expect_eq(
	    bare_after(&shared, PL_PRESENCE, PL_POST, "/api/conversations"), 2);
	req.cookie = "a=b; porchlight=x";
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_GET, "/x"), 1);
	cr_expect_eq(shared.page->served[PL_EVENTS].cookie_at, T0);
	req.cookie = "a=b";
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_GET, "/x"), 2);
	req.remote_user = "jane";
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_GET, "/x"), 2);
	req.authorization = "Bearer x";
	cr_expect_eq(bare_after(&shared, PL_EVENTS, PL_GET, "/x"), 0);
	pl_shared_close(&shared);
}

/* Of the server that was there before, nothing follows for this one. */
Test(served, begins_anew_with_another_server)
{
	struct pl_shared shared;
	struct pl_served *s;

	cr_assert_eq(pl_shared_open(&shared, tmpdir_path("db"), 0), PL_OK);
	s = &shared.page->served[PL_EVENTS];
	req.software = "nginx/1";
	req.authorization = "Bearer x";
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0);
	cr_expect_eq(s->authorized_at, T0);
	req.software = "Apache";
	req.authorization = "";
	pl_served_note(&shared, PL_EVENTS, &config, &req, false, T0 + 1);
	cr_expect_eq(s->authorized_at, 0);
	pl_shared_close(&shared);
}
