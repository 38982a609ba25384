/*
 * The load generator of the benchmarks: one process, one thread, one epoll
 * loop, so that a single core drives any of the servers to its limit and
 * times every answer by the clock of that core. It looks at every answer:
 * what is fast and wrong counts as wrong.
 *
 * A line of JSON on stdin is the job; a line on stdout, {"ready": true}, says
 * that all connections are open, hello is said and all dashboards wait; with
 * the next line on stdin, or its end, the run begins; and a last line on
 * stdout is the result. Who measures can look at the servers in between.
 *
 * {"deadlineMs": 60000, "beats": {...}, "watch": {...}}: one of the two, or
 * both. With both, the beats go on until the watch is done.
 *
 * A party is {"proto": "http" or "ws", "port", "requests": [...], "expect"},
 * and for ws "upgrade", the raw HTTP request that makes the connection a
 * WebSocket, and "hello": [[[text, answer], ...], ...], what connection i
 * sends then; the next when a message with that answer in it has come. An
 * empty text is not sent. A request is a whole raw HTTP request, or the text of
 * a message. A good answer is of status 2xx and has "expect" in it; a message
 * that has not is none of ours.
 *
 * beats: a party, with "connections", "count", "rate", "inFlight". The requests
 *   are sent in order, round and round, each on the connection that has been
 *   free for the longest (ws: each connection sends its own), and at most
 *   inFlight at a time in all (default: connections). rate 0: the next as soon
 *   as one is answered, and latency counts from sending. Else so many a second
 *   by a schedule, and latency counts from the moment at which it was due,
 *   sent or not: a server that stalls is not spared what it held up.
 * → {sent, good, bad, firstBad, connects, repeats, seconds, latency}
 *
 * watch: {"groups": [a party, with "cursor" and "told"], "trigger": a party,
 *   "rounds", "gapMs", "settleMs"}. Each request of a group (ws: each hello)
 *   is a dashboard. @CURSOR@ in a request is the last "cursor" that an answer
 *   told it, first the group's. settleMs after the beginning, and gapMs
 *   after each round, the trigger's next request is sent, and each dashboard
 *   of the groups that are "told" must get an answer with "expect" in it.
 *   Dashboards ask again at once, whatever they got, but for those that are
 *   told in the last round: none of these is held in the end. A round that is
 *   not over within 10 s ends the run with an error.
 * → {dashboards, answered, first, last, told, again}: from the moment before
 *   the trigger is sent until its own answer, the first and the last dashboard
 *   that is told, in each round and as a summary; `told` sums up all of
 *   them, `again` is how often one was told twice in a round.
 *
 * latency, and the summaries: see load_samples.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <json-c/json.h>

#include "load.h"

#define EVENTS 256
#define OPENING_MOST 50   /* connections that are not ready yet */
#define OPENED_PER_MS 2   /* more than a listen queue can lose */
#define LATER (1000 * MS) /* a look at the clock at least so often */

struct opening {
	struct client *client;
	void (*open)(struct client *);
};

static struct opening *openings;
static size_t n_openings, opened, ready; /* these before those */
static char trouble[512];                /* what ended the run */
static int epoll_fd;
static bool going;
static bool has_beats, has_watch;

void
load_stop(const char *format, ...)
{
	va_list args;

	if (trouble[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(trouble, sizeof(trouble), format, args);
	va_end(args);
}

/* ---- the job ---- */

static _Noreturn void
refuse(const char *name, const char *why)
{
	fprintf(stderr, "load: %s %s\n", name, why);
	exit(2);
}

json_object *
job_list(json_object *job, const char *name)
{
	json_object *list = json_object_object_get(job, name);

	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) == 0)
		refuse(name, "is no list with something in it");
	return list;
}

double
job_number(json_object *job, const char *name, double otherwise)
{
	json_object *number;

	if (!json_object_object_get_ex(job, name, &number))
		return otherwise;
	return json_object_get_double(number);
}

static struct text
text_of(json_object *string)
{
	if (!json_object_is_type(string, json_type_string))
		refuse(json_object_to_json_string(string), "is no string");
	return (struct text){json_object_get_string(string),
	    (size_t)json_object_get_string_len(string)};
}

struct text
job_text(json_object *job, const char *name, const char *otherwise)
{
	json_object *string;

	if (!json_object_object_get_ex(job, name, &string))
		return (struct text){otherwise, strlen(otherwise)};
	return text_of(string);
}

struct text
job_turn(json_object *list, size_t i)
{
	return text_of(json_object_array_get_idx(
	    list, i % json_object_array_length(list)));
}

void
job_server(json_object *job, struct server *server)
{
	server->port = (int)job_number(job, "port", 0);
	server->ws = strcmp(job_text(job, "proto", "http").at, "ws") == 0;
	server->upgrade = job_text(job, "upgrade", "").at;
}

json_object *
job_hello(json_object *job, size_t i)
{
	json_object *hello;

	if (!json_object_object_get_ex(job, "hello", &hello))
		return NULL;
	return json_object_array_get_idx(hello, i);
}

bool
text_has(struct text text, struct text part)
{
	return memmem(text.at, text.len, part.at, part.len) != NULL;
}

static json_object *
read_job(void)
{
	json_tokener *tokener = json_tokener_new_ex(16);
	json_object *job = NULL;
	char part[65536];
	ssize_t n;

	do {
		n = read(STDIN_FILENO, part, sizeof(part));
		if (n <= 0)
			refuse("stdin", "has no job");
		job = json_tokener_parse_ex(tokener, part, (int)n);
	} while (json_tokener_get_error(tokener) == json_tokener_continue);
	if (!json_object_is_type(job, json_type_object))
		refuse("stdin", "has no JSON object");
	json_tokener_free(tokener);
	return job;
}

/* ---- the result ---- */

void
tell(json_object *to, const char *name, json_object *value)
{
	json_object_object_add(to, name, value);
}

void
tell_number(json_object *to, const char *name, double number)
{
	tell(to, name,
	    number == (double)(int64_t)number
		? json_object_new_int64((int64_t)number)
		: json_object_new_double(number));
}

void
tell_text(json_object *to, const char *name, struct text text)
{
	tell(to, name, json_object_new_string_len(text.at, (int)text.len));
}

static void
say(json_object *line)
{
	puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(line);
}

static void
say_ready(void)
{
	json_object *line = json_object_new_object();

	tell(line, "ready", json_object_new_boolean(1));
	say(line);
}

static void
say_result(void)
{
	json_object *line = json_object_new_object();

	if (trouble[0] != '\0')
		tell(line, "error", json_object_new_string(trouble));
	if (has_beats)
		tell(line, "beats", beats_result());
	if (has_watch)
		tell(line, "watch", watch_result());
	say(line);
}

/* ---- the run ---- */

void
load_open(struct client *c, void (*open)(struct client *))
{
	openings = realloc(openings, (n_openings + 1) * sizeof(*openings));
	if (openings == NULL)
		abort();
	openings[n_openings++] = (struct opening){c, open};
}

/* Opens what may be open by now; gives the moment for the next. */
static int64_t
open_some(int64_t now, int64_t start)
{
	size_t most = (size_t)((now - start) / MS + 1) * OPENED_PER_MS;

	while (ready < opened && client_is_ready(openings[ready].client))
		ready++;
	while (opened < n_openings && opened < most &&
	       opened - ready < OPENING_MOST) {
		openings[opened].open(openings[opened].client);
		opened++;
	}
	return ready < n_openings ? now + MS : now + LATER;
}

/* Says that all is ready, and listens on stdin for the word to begin. */
static void
await_go(void)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

	say_ready();
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0)
		going = true; /* a file: all of it was the job */
}

static void
go(void)
{
	char line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		load_stop("stdin: %s", strerror(errno));
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	going = true;
}

static bool
is_done(void)
{
	return has_watch ? watch_done() : beats_done();
}

static int64_t
turn(int64_t now, int64_t later)
{
	if (has_beats)
		later = beats_turn(now, later);
	if (has_watch)
		later = watch_turn(now, later);
	return later;
}

static void
wait_until(int64_t when)
{
	struct epoll_event events[EVENTS];
	int64_t ns = when - clock_ns();
	struct timespec t = {0, 0};
	int i, n;

	if (ns > 0)
		t = (struct timespec){ns / 1000000000, ns % 1000000000};
	n = epoll_pwait2(epoll_fd, events, EVENTS, &t, NULL);
	if (n < 0 && errno != EINTR)
		load_stop("epoll: %s", strerror(errno));
	for (i = 0; i < n; i++)
		if (events[i].data.ptr == NULL)
			go();
		else
			client_event(events[i].data.ptr, events[i].events);
}

static void
run(int64_t deadline)
{
	int64_t start = clock_ns(), now = start, next;
	bool told = false;

	while (trouble[0] == '\0' && !(going && is_done())) {
		now = clock_ns();
		if (now >= start + deadline)
			load_stop("not done within %lld s",
			    (long long)(deadline / MS / 1000));
		next = open_some(now, start);
		if (ready == n_openings && !told) {
			told = true;
			await_go();
		}
		if (going)
			next = turn(now, next);
		wait_until(next < start + deadline ? next : start + deadline);
	}
}

int
main(void)
{
	struct rlimit files;
	json_object *job = read_job(), *part;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	json_c_set_serialization_double_format("%.4f", JSON_C_OPTION_GLOBAL);
	prctl(PR_SET_TIMERSLACK, 1); /* wake when it is due, not 50 us later */
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	clients_init(epoll_fd);
	if ((has_beats = json_object_object_get_ex(job, "beats", &part)))
		beats_prepare(part);
	if ((has_watch = json_object_object_get_ex(job, "watch", &part)))
		watch_prepare(part);
	if (!has_beats && !has_watch)
		refuse("job", "has neither beats nor watch");
	run((int64_t)(job_number(job, "deadlineMs", 60000) * MS));
	say_result();
	json_object_put(job);
	return trouble[0] == '\0' ? 0 : 1;
}
