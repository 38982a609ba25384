/*
 * Beats, as fast as they are answered or so many a second. Connections that
 * are free stand in a queue: who has been free for the longest is next.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "load.h"
#include "load_samples.h"

#define NS 1e9 /* a second */

struct beater {
	struct client client;
	int64_t from; /* when the one that is in flight was due; 0: none is */
};

static struct server server;
static struct beater *beaters;
static size_t n_beaters;
static json_object *requests;
static struct text expect;
static double rate; /* 0: as fast as they are answered */
static size_t count, most;

static size_t *queue; /* a ring of those that are free */
static size_t head, n_free;
static size_t sent, good, bad, in_flight;
static char *first_bad;
static int64_t start, end;
static struct samples latency;

static void
beat(size_t i, int64_t from)
{
	struct beater *b = &beaters[i];

	b->from = from;
	in_flight++;
	client_ask(&b->client, job_turn(requests, server.ws ? i : sent));
	sent++;
}

static size_t
take_free(void)
{
	size_t i = queue[head];

	head = (head + 1) % n_beaters;
	n_free--;
	return i;
}

int64_t
beats_turn(int64_t now, int64_t later)
{
	int64_t due;

	if (start == 0)
		start = now;
	while (n_free > 0 && in_flight < most && sent < count) {
		due = start + (int64_t)((double)sent / rate * NS);
		if (rate > 0 && due > now)
			return due < later ? due : later;
		beat(take_free(), rate > 0 ? due : clock_ns());
	}
	return later;
}

static void
over(struct beater *b, bool is_good, struct text answer)
{
	end = clock_ns();
	in_flight--;
	if (is_good) {
		good++;
		samples_add(&latency, end - b->from);
	} else if (bad++ == 0) {
		first_bad = strndup(answer.at, answer.len);
	}
	b->from = 0;
	queue[(head + n_free++) % n_beaters] = (size_t)(b - beaters);
	beats_turn(end, end);
}

static void
answered(struct client *c, struct text answer, bool is_good)
{
	struct beater *b = (struct beater *)c;
	bool expected = text_has(answer, expect);

	if (b->from != 0 && (expected || !c->server->ws))
		over(b, is_good && expected, answer);
}

static void
failed(struct client *c, const char *why)
{
	struct beater *b = (struct beater *)c;

	if (c->server->ws)
		load_stop(
		    "beats: connection %zu: %s", (size_t)(b - beaters), why);
	else if (b->from != 0)
		over(b, false, (struct text){why, strlen(why)});
}

void
beats_prepare(json_object *job)
{
	size_t i;

	server = (struct server){.answer = answered, .failed = failed};
	job_server(job, &server);
	requests = job_list(job, "requests");
	expect = job_text(job, "expect", "");
	rate = job_number(job, "rate", 0);
	count = (size_t)job_number(job, "count", 1);
	n_beaters = (size_t)job_number(job, "connections", 1);
	most = (size_t)job_number(job, "inFlight", (double)n_beaters);
	beaters = calloc(n_beaters, sizeof(*beaters));
	queue = calloc(n_beaters, sizeof(*queue));
	if (beaters == NULL || queue == NULL)
		abort();
	for (i = 0; i < n_beaters; i++) {
		beaters[i].client = (struct client){
		    .server = &server, .hello = job_hello(job, i)};
		queue[n_free++] = i;
		if (server.ws)
			load_open(&beaters[i].client, client_open);
	}
}

bool
beats_done(void)
{
	return good + bad == count;
}

json_object *
beats_result(void)
{
	json_object *out = json_object_new_object();
	size_t i, connects = 0;

	for (i = 0; i < n_beaters; i++)
		connects += beaters[i].client.connects;
	tell_number(out, "sent", (double)sent);
	tell_number(out, "good", (double)good);
	tell_number(out, "bad", (double)bad);
	if (bad > 0)
		tell_text(out, "firstBad",
		    (struct text){first_bad, strlen(first_bad)});
	tell_number(out, "connects", (double)connects);
	tell_number(out, "repeats", (double)client_repeats);
	tell_number(out, "seconds", (double)(end - start) / NS);
	tell(out, "latency", samples_summary(&latency));
	return out;
}
