/*
 * The installation as a visitor and an agent meet it. What is needed for that,
 * a company with an agent and two conversations, is made beforehand and is
 * gone afterwards, whatever happens: no real dashboard sees any of it.
 *
 * The order matters: a beat needs no credential, so it shows that the URL is
 * served from this database; after that a 401 can only mean that the web
 * server kept the credential to itself.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "curl.h"
#include "doctor.h"
#include "doctor_guest.h"

#define ANSWER_MS 15000 /* for what is answered at once */
#define SHORT_S 3       /* the shorter one of the polls */
#define EARLY_MS 200    /* clocks are no better than that */
#define LATE_MS 2000
#define SLOW_MS 500  /* a wake-up that somebody notices */
#define HELD_MS 1000 /* until a poll is surely held */
#define REDIRECTS 3
#define NEAR_MS 5000
#define FAR_MS 60000

/* The visit to one URL. */
struct visit {
	struct pl_doctor *d;
	struct pl_cmd_env *env;
	uint32_t mode; /* of the server, as the programs see it */
	char base[1024];
	struct pl_guest guest;
	char cursor[PL_CURSOR_LEN];
	struct pl_curl curl; /* the last one asked */
	struct pl_curl_answer answer;
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* ---- asking ---- */

static enum pl_err
start(struct pl_curl *curl, const struct visit *v, const char *path,
    const char *token, const char *body, int64_t timeout_ms)
{
	char url[2400];
	struct pl_curl_ask ask = {
	    .url = url, .token = token, .body = body, .timeout_ms = timeout_ms};

	snprintf(url, sizeof(url), "%s%s", v->base, path);
	return pl_curl_start(curl, &ask);
}

/* Asks and waits. What has no answer at all is told under that name. */
static enum pl_err
ask(struct visit *v, const char *name, const char *path, const char *token,
    const char *body)
{
	enum pl_err err;

	pl_curl_close(&v->curl);
	err = start(&v->curl, v, path, token, body, ANSWER_MS);
	if (err == PL_OK)
		err = pl_curl_finish(&v->curl, &v->answer, &stop);
	if (err == PL_ERR_NOT_FOUND)
		pl_doctor_say(v->d, PL_WRONG, name,
		    "there is no curl on this machine, and --url needs it: "
		    "apt-get install curl, or ask another machine");
	else if (err != PL_OK && err != PL_ERR_BUSY)
		pl_doctor_say(v->d, PL_WRONG, name, "%s%s: %s", v->base, path,
		    pl_curl_trouble(&v->curl));
	return err;
}

/* Tells of an answer that is not what it should be. */
static void
tell_status(struct visit *v, const char *name, const char *path)
{
	pl_doctor_say(v->d, PL_WRONG, name,
	    "%s%s answers %d%s. The web server's error log may say why",
	    v->base, path, v->answer.status,
	    v->answer.status == 404
		? ": its config does not hand that path to the programs"
	    : v->answer.status >= 500 ? ": the program behind it is not there, "
					"or cannot work"
				      : "");
}

static void
tell_unauthorized(struct visit *v, const char *path)
{
	pl_doctor_say(v->d, PL_WRONG, "url-agent",
	    "%s%s: the Authorization header is not handed to the program, so "
	    "no agent is let in. To let it pass: %s",
	    v->base, path, pl_doctor_pass_on(v->mode));
}

/* ---- what is found ---- */

/* Goes on at where it sends us: false if that is nowhere of ours. */
static bool
follow(struct visit *v)
{
	static const char path[] = "/api/health";
	size_t n = strlen(v->answer.location), len = strlen(path);

	if (v->answer.status < 300 || v->answer.status > 399 || n < len ||
	    strcmp(v->answer.location + n - len, path) != 0 ||
	    strncmp(v->answer.location, "http", 4) != 0 ||
	    n - len >= sizeof(v->base))
		return false;
	pl_doctor_say(v->d, PL_WARN, "url",
	    "%s leads to %.*s: name that in your pages, a beat does not follow",
	    v->base, (int)(n - len), v->answer.location);
	snprintf(v->base, sizeof(v->base), "%.*s", (int)(n - len),
	    v->answer.location);
	return true;
}

static bool
check_health(struct visit *v)
{
	static const char path[] = "/api/health";
	int i;

	for (i = 0; i <= REDIRECTS; i++) {
		if (ask(v, "url-health", path, NULL, NULL) != PL_OK)
			return false;
		if (!follow(v))
			break;
	}
	if (v->answer.status != 200 ||
	    strstr(v->answer.body, "\"ok\"") == NULL) {
		tell_status(v, "url-health", path);
		return false;
	}
	pl_doctor_say(v->d, PL_FINE, "url-health",
	    "%s%s is well, in %" PRId64 " ms", v->base, path,
	    v->answer.took_ms);
	return true;
}

/* The clock of the server against ours; its Date has whole seconds. */
static void
check_date(struct visit *v)
{
	int64_t now = pl_clock_now(), off = now - v->answer.date;

	off = off < 0 ? -off : off;
	if (v->answer.date == 0)
		pl_doctor_say(v->d, PL_WARN, "url-clock",
		    "the web server does not say what time it has");
	else if (off > NEAR_MS)
		pl_doctor_say(v->d, off > FAR_MS ? PL_WRONG : PL_WARN,
		    "url-clock",
		    "the web server's clock is %" PRId64 " s away from this "
		    "machine's: set both by NTP",
		    off / 1000);
	else
		pl_doctor_say(
		    v->d, PL_FINE, "url-clock", "the same as this machine's");
}

static void
beat_body(
    const struct pl_guest_conversation *c, const char *tab, char body[300])
{
	snprintf(body, 300,
	    "{\"conversationId\":\"%s\",\"sessionId\":\"%s\",\"tabId\":\"%s\"}",
	    c->id, c->session, tab);
}

static bool
check_beat(struct visit *v)
{
	static const char path[] = "/api/widget/heartbeat";
	char body[300];

	beat_body(&v->guest.live, "doctor-tab-1", body);
	if (ask(v, "url-beat", path, NULL, body) != PL_OK)
		return false;
	if (v->answer.status == 200) {
		pl_doctor_say(v->d, PL_FINE, "url-beat",
		    "a beat is answered in %" PRId64 " ms", v->answer.took_ms);
		return true;
	}
	if (v->answer.status == 403)
		pl_doctor_say(v->d, PL_WRONG, "url-beat",
		    "%s is served from another database than %s: which config "
		    "has the web server (PORCHLIGHT_CONFIG), which this "
		    "command (-c)?",
		    v->base, v->d->config->database);
	else
		tell_status(v, "url-beat", path);
	return false;
}

/* The value of "cursor" in the answer; false: it has none. */
static bool
take_cursor(struct visit *v)
{
	static const char name[] = "\"cursor\":\"";
	const char *s = strstr(v->answer.body, name);
	size_t n;

	if (s == NULL)
		return false;
	s += strlen(name);
	n = strspn(s, "0123456789abcdef-");
	if (n == 0 || n >= sizeof(v->cursor) || s[n] != '"')
		return false;
	memcpy(v->cursor, s, n);
	v->cursor[n] = '\0';
	return true;
}

/* At both programs: each has its own rules in the server's config. */
static bool
check_agent(struct visit *v)
{
	static const char *const at[] = {
	    "/api/widget/presence", "/api/widget/events"};
	char path[200];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s?conversationId=%s%s", at[i],
		    i == 0 ? v->guest.live.id : v->guest.quiet.id,
		    i == 0 ? "" : "&timeout=0");
		if (ask(v, "url-agent", path, v->guest.token, NULL) != PL_OK)
			return false;
		if (v->answer.status == 401) {
			tell_unauthorized(v, at[i]);
			return false;
		}
		if (v->answer.status != 200 ||
		    (i == 0 &&
			strstr(v->answer.body, "\"isOnline\":true") == NULL) ||
		    (i == 1 && !take_cursor(v))) {
			tell_status(v, "url-agent", at[i]);
			return false;
		}
	}
	pl_doctor_say(v->d, PL_FINE, "url-agent",
	    "an agent is let in, and sees who is here");
	return true;
}

/* A poll of the quiet conversation; seconds < 0: as long as is configured. */
static enum pl_err
start_poll(struct visit *v, struct pl_curl *curl, int seconds, int64_t most_ms)
{
	char path[300], timeout[32] = "";

	if (seconds >= 0)
		snprintf(timeout, sizeof(timeout), "&timeout=%d", seconds);
	snprintf(path, sizeof(path),
	    "/api/widget/events?conversationId=%s&cursor=%s%s",
	    v->guest.quiet.id, v->cursor, timeout);
	return start(curl, v, path, v->guest.token, NULL, most_ms);
}

static void
tell_cut(struct visit *v, int64_t want_ms, int64_t took_ms, const char *how)
{
	pl_doctor_say(v->d, PL_WRONG, "url-hold",
	    "a poll that should be held for %" PRId64 " ms was cut off after "
	    "%" PRId64 " ms (%s): something waits less long than the poll. "
	    "Raise %s (or that of a proxy before it), or set pollTimeoutMs "
	    "below it",
	    want_ms, took_ms, how, pl_doctor_be_patient(v->mode));
}

/* True: it was held as long as it should be. */
static bool
check_hold(struct visit *v, int seconds, int64_t want_ms)
{
	int64_t began = pl_curl_clock(), took;
	char how[40];
	enum pl_err err;

	pl_curl_close(&v->curl);
	err = start_poll(v, &v->curl, seconds, want_ms + ANSWER_MS);
	if (err == PL_OK)
		err = pl_curl_finish(&v->curl, &v->answer, &stop);
	if (err == PL_ERR_BUSY)
		return false;
	took = err == PL_OK ? v->answer.took_ms : pl_curl_clock() - began;
	snprintf(how, sizeof(how), "status %d", v->answer.status);
	if (err != PL_OK)
		tell_cut(v, want_ms, took, pl_curl_trouble(&v->curl));
	else if (v->answer.status == 503 &&
		 strstr(v->answer.body, "\"busy\"") != NULL) {
		pl_doctor_say(v->d, PL_WARN, "url-hold",
		    "all places to wait are taken at the moment: the hold of a "
		    "poll was not looked at");
		return false;
	} else if (v->answer.status != 200 || took < want_ms - EARLY_MS)
		tell_cut(v, want_ms, took, how);
	else if (took > want_ms + LATE_MS)
		pl_doctor_say(v->d, PL_WRONG, "url-hold",
		    "a poll of %" PRId64 " ms came back after %" PRId64
		    " ms: something holds answers back (a proxy that buffers?)",
		    want_ms, took);
	else {
		pl_doctor_say(v->d, PL_FINE, "url-hold",
		    "a poll of %" PRId64 " ms is held for %" PRId64 " ms",
		    want_ms, took);
		return true;
	}
	return false;
}

static void
tell_wake(struct visit *v, int64_t took)
{
	int64_t slow = v->d->config->slow_tick_ms;

	if (took <= SLOW_MS)
		pl_doctor_say(v->d, PL_FINE, "url-wake",
		    "a customer who comes is seen by a waiting dashboard in "
		    "%" PRId64 " ms",
		    took);
	else if (took <= slow + SLOW_MS)
		pl_doctor_say(v->d, PL_WARN, "url-wake",
		    "a customer who comes is seen by a waiting dashboard only "
		    "after %" PRId64 " ms: the machine is busy, or the "
		    "doorbell (%s-bell, inotify) is not heard and the slow "
		    "tick stands in for it",
		    took, v->d->config->database);
	else
		pl_doctor_say(v->d, PL_WRONG, "url-wake",
		    "a customer who comes is seen by a waiting dashboard only "
		    "after %" PRId64 " ms: something between holds the answer "
		    "back. Turn buffering off there for /api/widget/events",
		    took);
}

/* A beat that is sent while a poll is held has to end it at once. */
static void
check_wake(struct visit *v)
{
	int64_t hold_ms = v->d->config->slow_tick_ms + 10000, sent;
	struct pl_curl poll = PL_CURL_INIT;
	struct pl_curl_answer woken;
	char body[300];
	enum pl_err err;

	beat_body(&v->guest.quiet, "doctor-tab-2", body);
	err = start_poll(
	    v, &poll, hold_ms > 50000 ? 50 : (int)(hold_ms / 1000), 60000);
	if (err == PL_OK && pl_curl_waits(&poll, HELD_MS, &stop) &&
	    ask(v, "url-wake", "/api/widget/online", NULL, body) == PL_OK) {
		sent = v->answer.at - v->answer.took_ms;
		err = pl_curl_finish(&poll, &woken, &stop);
		if (err == PL_OK && woken.status == 200 &&
		    strstr(woken.body, "\"customer:online\"") != NULL)
			tell_wake(v, woken.at - sent);
		else if (err != PL_ERR_BUSY)
			pl_doctor_say(v->d, PL_WRONG, "url-wake",
			    "a customer came, and a waiting dashboard did not "
			    "see it (%s)",
			    err == PL_OK ? woken.body : pl_curl_trouble(&poll));
	} else if (!stop)
		pl_doctor_say(v->d, PL_WARN, "url-wake",
		    "a poll was not held for a second: whether a beat ends it "
		    "was not looked at");
	pl_curl_close(&poll);
}

/* The database lies in the web server's folder: does it give it away? */
static void
check_database(struct visit *v)
{
	const char *host = strstr(v->base, "://");
	int n;
	char url[2400];
	struct pl_curl_ask peek = {
	    .url = url, .timeout_ms = ANSWER_MS, .is_peek = true};
	enum pl_err err;

	if (v->d->exposed[0] == '\0' || host == NULL)
		return;
	n = (int)(host + 3 + strcspn(host + 3, "/") - v->base);
	snprintf(url, sizeof(url), "%.*s%s", n, v->base, v->d->exposed);
	pl_curl_close(&v->curl);
	err = pl_curl_start(&v->curl, &peek);
	if (err == PL_OK)
		err = pl_curl_finish(&v->curl, &v->answer, &stop);
	if (err == PL_OK && v->answer.status < 300 &&
	    strncmp(v->answer.body, "SQLite format 3", 15) == 0)
		pl_doctor_say(v->d, PL_WRONG, "url-database",
		    "every visitor can load the database from %s: move it out "
		    "of the web server's folder now (setting \"database\")",
		    url);
	else if (err != PL_ERR_BUSY)
		pl_doctor_say(v->d, err == PL_OK ? PL_WARN : PL_WRONG,
		    "url-database",
		    "the database lies in the web server's folder; %s: %s. "
		    "Move it out if there is another place",
		    url,
		    err == PL_OK ? "not given away today, but that is one line "
				   "of a config"
				 : pl_curl_trouble(&v->curl));
}

/* ---- all of it ---- */

static void
check_polls(struct visit *v)
{
	int64_t full = v->d->config->poll_timeout_ms;
	bool held = true;

	if (full > SHORT_S * 1000)
		held = check_hold(v, SHORT_S, SHORT_S * 1000);
	if (held && !stop)
		held = check_hold(v, -1, full);
	if (!stop)
		check_wake(v);
}

static void
check_all(struct visit *v)
{
	if (!check_health(v))
		return;
	check_date(v);
	check_database(v);
	pl_guest_sweep(v->env, v->d->now);
	if (pl_guest_make(v->env, &v->guest) != PL_OK) {
		pl_doctor_say(v->d, PL_WRONG, "url",
		    "a company to try it with could not be made");
		return;
	}
	if (check_beat(v) && check_agent(v) && !stop)
		check_polls(v);
}

/* http://HOST or https://HOST, and a path if it has one; no "/" at its end. */
static bool
take_url(struct visit *v, const char *url)
{
	size_t n = strlen(url);
	const char *c;

	for (c = url; *c != '\0'; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return false;
	if ((strncmp(url, "http://", 7) != 0 &&
		strncmp(url, "https://", 8) != 0) ||
	    n >= sizeof(v->base) || strpbrk(url, "?#") != NULL)
		return false;
	memcpy(v->base, url, n + 1);
	while (n > 0 && v->base[n - 1] == '/')
		v->base[--n] = '\0';
	if (n > 4 && strcmp(v->base + n - 4, "/api") == 0)
		v->base[n - 4] = '\0';
	return strstr(v->base, "://") != NULL;
}

void
pl_doctor_url(struct pl_doctor *d, struct pl_cmd_env *env,
    const struct pl_shared_page *page, const char *url)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	const struct pl_served *events = &page->served[PL_EVENTS];
	struct visit v = {.d = d, .env = env, .curl = PL_CURL_INIT};
	struct sigaction act = {.sa_handler = on_signal}, before[3];
	size_t i;

	v.mode =
	    events->at != 0 ? events->mode : page->served[PL_PRESENCE].mode;
	if (!take_url(&v, url)) {
		pl_doctor_say(d, PL_WRONG, "url",
		    "\"%s\": expected one like https://shop.example/chat", url);
		return;
	}
	for (i = 0; i < 3; i++)
		sigaction(signals[i], &act, &before[i]);
	check_all(&v);
	pl_curl_close(&v.curl);
	if (pl_guest_remove(env, &v.guest) != PL_OK)
		pl_doctor_say(d, PL_WRONG, "url",
		    "the company that was made for this could not be removed: "
		    "see \"porchlight company list\"");
	if (stop)
		pl_doctor_say(d, PL_WRONG, "url",
		    "ended by a signal: not all was looked at");
	for (i = 0; i < 3; i++)
		sigaction(signals[i], &before[i], NULL);
}
