/*
 * The web server and its way of running the programs, from what these noted
 * of it (served.h), and from what its own defaults and our configs say.
 */
#include <inttypes.h>

#include "clock.h"
#include "doctor.h"
#include "served.h"

#define SPARE_MS 2000 /* a hold must end before the server's patience */
#define SPARE_FILES 64
#define SPARE_PROCESSES 16
#define PROBES 2     /* requests without a credential that mean nothing */
#define NEAR_MS 5000 /* as near as clocks come that nobody sets */
#define FAR_MS 60000 /* events would bear the wrong minute */
#define YEAR_2025 INT64_C(1735689600000)
#define YEAR_2100 INT64_C(4102444800000)

/*
 * What each server does by itself, and with the configs that we ship: how
 * long it waits for a silent program, and how many polls it holds. (The facts
 * are from the servers' manuals: FcgidIOTimeout 40, Timeout 60,
 * fastcgi_read_timeout 60, server.max-write-idle 360; our configs say the
 * rest.)
 */
static const struct {
	int64_t patience_ms, our_patience_ms;
	int64_t holds; /* 0: nobody knows */
	const char *be_patient, *pass_on, *hold_more;
} servers[PL_MODE__MAX] = {
    [PL_MODE_UNKNOWN] = {60000, 60000, 0,
	"the time that the web server waits for FastCGI",
	"hand it to FastCGI as HTTP_AUTHORIZATION", "the web server's limits"},
    [PL_MODE_CGI] = {60000, 70000, 30,
	"Apache's CGIDScriptTimeout (mod_cgi: Timeout) or lighttpd's "
	"server.max-read-idle",
	"in Apache \"CGIPassAuth On\" for /api/; in an .htaccess file that "
	"may not say so, before its other rules: \"RewriteRule .* - "
	"[E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]\"",
	"the processes that the account may have (shared hosts: 20 to 30)"},
    [PL_MODE_FCGID] = {40000, 70000, 80, "FcgidIOTimeout",
	"\"CGIPassAuth On\" for /api/, or for the whole server "
	"\"FcgidPassHeader Authorization\"; in an .htaccess file that may not "
	"say so, before its other rules: \"RewriteRule .* - "
	"[E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]\"",
	"MaxProcesses of events.fcgi and MaxRequestWorkers"},
    [PL_MODE_PROXY_FCGI] = {60000, 70000, 150, "timeout= of ProxyPass",
	"\"CGIPassAuth On\" for /api/, or \"SetEnvIf Authorization "
	"(.*) HTTP_AUTHORIZATION=$1\"",
	"MaxRequestWorkers"},
    [PL_MODE_LIGHTTPD] = {360000, 120000, 7000, "server.max-write-idle",
	"lighttpd does so by itself: look at what stands before it (a proxy, "
	"mod_setenv)",
	"server.max-connections and server.max-fds"},
    [PL_MODE_NGINX] = {60000, 70000, 384, "fastcgi_read_timeout",
	"nginx does so by itself: look for \"fastcgi_param "
	"HTTP_AUTHORIZATION\", \"fastcgi_pass_request_headers off\", and a "
	"proxy before it",
	"worker_connections (two for each poll)"},
};

static unsigned int
index_of(uint32_t mode)
{
	return mode < PL_MODE__MAX ? mode : PL_MODE_UNKNOWN;
}

const char *
pl_doctor_pass_on(uint32_t mode)
{
	return servers[index_of(mode)].pass_on;
}

const char *
pl_doctor_be_patient(uint32_t mode)
{
	return servers[index_of(mode)].be_patient;
}

static void
tell_one(struct pl_doctor *d, const struct pl_served *s, const char *program,
    const char *path)
{
	char seen[PL_TIME_LEN + 1];

	if (s->at == 0) {
		pl_doctor_say(d, PL_WARN, "server",
		    "%s has not served a request of this database yet. Open "
		    "%s in a browser; if that fails, the web server's error "
		    "log says why; if it does not, the server gives the "
		    "program another config than %s (PORCHLIGHT_CONFIG), or "
		    "its user may not write beside the database",
		    program, path, d->config->file);
		return;
	}
	pl_clock_format(s->seen_at, seen);
	seen[16] = '\0';
	pl_doctor_say(d, PL_FINE, "server", "%s: %s%s%s, at %s UTC", program,
	    s->software, s->software[0] != '\0' ? ", " : "",
	    pl_mode_name((enum pl_mode)index_of(s->mode)), seen);
}

void
pl_doctor_server(struct pl_doctor *d, const struct pl_shared_page *page)
{
	tell_one(d, &page->served[PL_PRESENCE], "presence.fcgi", "/api/health");
	tell_one(d, &page->served[PL_EVENTS], "events.fcgi",
	    "the dashboard (/api/widget/events)");
}

void
pl_doctor_authorization(struct pl_doctor *d, const struct pl_shared_page *page)
{
	const struct pl_served *presence = &page->served[PL_PRESENCE];
	const struct pl_served *events = &page->served[PL_EVENTS];
	uint64_t bare = (uint64_t)presence->bare + events->bare;
	uint32_t mode = events->at != 0 ? events->mode : presence->mode;

	if (presence->authorized_at != 0 || events->authorized_at != 0)
		pl_doctor_say(d, PL_FINE, "authorization",
		    "the web server hands it to the programs");
	else if (bare == 0)
		pl_doctor_say(d, PL_FINE, "authorization",
		    "no agent has asked for anything yet");
	else if (presence->cookie_at != 0 || events->cookie_at != 0)
		pl_doctor_say(d, PL_WARN, "authorization",
		    "%" PRIu64 " request%s came without any credential, as "
		    "from dashboards that nobody has signed in at yet; agents "
		    "come by cookie, but nothing with an Authorization header: "
		    "--url sees whether that would get through",
		    bare, bare == 1 ? "" : "s");
	else
		pl_doctor_say(d, bare > PROBES ? PL_WRONG : PL_WARN,
		    "authorization",
		    "%" PRIu64 " request%s for agents came without any "
		    "credential, and none ever came with one: does the web "
		    "server keep the Authorization header from the programs? "
		    "To let it pass: %s",
		    bare, bare == 1 ? "" : "s", pl_doctor_pass_on(mode));
}

void
pl_doctor_patience(struct pl_doctor *d, const struct pl_shared_page *page)
{
	const struct pl_served *s = &page->served[PL_EVENTS];
	int64_t hold = d->config->poll_timeout_ms + SPARE_MS;
	unsigned int i = index_of(s->mode);

	if (s->at == 0)
		pl_doctor_say(d, PL_FINE, "poll-hold",
		    "%" PRId64 " ms; it is not known yet which server has to "
		    "bear with that",
		    d->config->poll_timeout_ms);
	else if (hold > servers[i].patience_ms)
		pl_doctor_say(d, PL_WARN, "poll-hold",
		    "pollTimeoutMs is %" PRId64 ": by itself the server waits "
		    "%" PRId64 " s, with the config we ship %" PRId64 ". "
		    "Where that is not in force, every poll ends in an error: "
		    "--url sees it. Raise %s, or lower pollTimeoutMs",
		    d->config->poll_timeout_ms, servers[i].patience_ms / 1000,
		    servers[i].our_patience_ms / 1000, servers[i].be_patient);
	else
		pl_doctor_say(d, PL_FINE, "poll-hold",
		    "%" PRId64 " ms, within the server's patience",
		    d->config->poll_timeout_ms);
}

/* A poll is a connection of the one process, or a process. */
static bool
check_limit(struct pl_doctor *d, const struct pl_served *s)
{
	bool is_process = s->mode == PL_MODE_CGI || s->mode == PL_MODE_FCGID;
	int64_t limit = is_process ? s->processes : s->files;
	int64_t spare = is_process ? SPARE_PROCESSES : SPARE_FILES;

	if (limit < 0 || s->waiters + spare <= limit)
		return true;
	pl_doctor_say(d, PL_WRONG, "limits",
	    "up to %" PRId64 " polls may wait, but events.fcgi may %s %" PRId64
	    " %s: beats will fail when the dashboards come. Set maxWaiters to "
	    "%" PRId64 " in %s, or raise %s",
	    s->waiters, is_process ? "have" : "open", limit,
	    is_process ? "processes" : "files",
	    limit > spare ? limit - spare : 1, d->config->file,
	    is_process ? "the limit of processes (ulimit -u) of its user"
	    : s->mode == PL_MODE_LIGHTTPD
		? "server.max-fds"
		: "LimitNOFILE of porchlight-events.service (ulimit -n)");
	return false;
}

void
pl_doctor_limits(struct pl_doctor *d, const struct pl_shared_page *page)
{
	const struct pl_served *s = &page->served[PL_EVENTS];
	unsigned int i = index_of(s->mode);

	if (s->at == 0) {
		pl_doctor_say(d, PL_FINE, "limits",
		    "not known before events.fcgi has served a request");
		return;
	}
	if (!check_limit(d, s))
		return;
	if (servers[i].holds != 0 && s->waiters > servers[i].holds)
		pl_doctor_say(d, PL_WARN, "limits",
		    "maxWaiters is %" PRId64 ", more than the %" PRId64
		    " that the server holds as it comes, or with our config. "
		    "Where %s was not raised as well, waiting dashboards "
		    "leave no room for customers",
		    s->waiters, servers[i].holds, servers[i].hold_more);
	else
		pl_doctor_say(d, PL_FINE, "limits",
		    "up to %" PRId64 " polls at once", s->waiters);
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

void
pl_doctor_clock(struct pl_doctor *d, int64_t written_at, int64_t folder_at)
{
	char now[PL_TIME_LEN + 1], then[PL_TIME_LEN + 1];
	int64_t off = folder_at != 0 ? distance(folder_at, d->now) : 0;

	pl_clock_format(d->now, now);
	if (d->now < YEAR_2025 || d->now >= YEAR_2100)
		pl_doctor_say(d, PL_WRONG, "clock",
		    "this machine believes that it is %.10s. Set its clock "
		    "(timedatectl set-ntp true)",
		    now);
	else if (written_at > d->now + FAR_MS) {
		pl_clock_format(written_at, then);
		pl_doctor_say(d, PL_WRONG, "clock",
		    "it is %.16s UTC here, but the database was last written "
		    "at %.16s: the clock was wrong then, or is now. Set it "
		    "(timedatectl set-ntp true)",
		    now, then);
	} else if (off > NEAR_MS)
		pl_doctor_say(d, off > FAR_MS ? PL_WRONG : PL_WARN, "clock",
		    "the file system's clock, its server's perhaps, is "
		    "%" PRId64 " s away from this machine's: set both by NTP",
		    off / 1000);
	else
		pl_doctor_say(d, PL_FINE, "clock", "%.16s UTC", now);
}
