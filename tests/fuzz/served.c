/*
 * The program under test is put together here as pl_app_run() does it, but
 * turned by hand: that is why app.c is included, and not linked.
 *
 * What is checked of every answer: it is HTTP as CGI has it, its length is
 * what it says, its body is JSON, its status one of the contract's; the store
 * is in order, so 503 can only mean that there is no room to wait. When the
 * connections are closed, no poll is held and no call is left.
 */
#include <fcgiapp.h>
#include <json-c/json.h>
#include <sys/un.h>

#include "../../lib/app.c"
#include "auth.h"
#include "fcgi_record.h"
#include "files.h"
#include "served.h"
#include "text.h"

#define T0 INT64_C(1759487400000)
#define ROOM (1 << 20) /* for the answers of one connection */
#define KEY "plj_0123456789abcdef0123456789abcdef"

int64_t __wrap_pl_clock_now(void);
int __real_FCGX_Accept_r(FCGX_Request *);
int __wrap_FCGX_Accept_r(FCGX_Request *);

struct connection {
	int fd;
	size_t len;    /* of what came back */
	size_t ended;  /* requests answered */
	char *answers; /* ROOM bytes */
};

static struct pl_app *app;
static char folder[64], config[96], database[96];
static char *seeded; /* the database as it is made */
static size_t seeded_len;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct connection connections[SERVED_CONNECTIONS];
static size_t used, runs;
static int64_t now = T0;
static struct pl_position position; /* of the store as it is made */
static const char hidden[] = "f00dfacef00dfacef00dfacef00dface";
static bool knows_hidden; /* an input had it, so an answer may have it */

int64_t
__wrap_pl_clock_now(void)
{
	return now;
}

/* What libfcgi does not like must not get there: it would stand still for two
 * seconds to hang up. */
int
__wrap_FCGX_Accept_r(FCGX_Request *f)
{
	int rc = __real_FCGX_Accept_r(f);

	HOLDS(rc == 0);
	return rc;
}

/* --- the store --- */

static int64_t
add_company(struct pl_store *s, const char *name)
{
	uint8_t hash[PL_HASH_LEN];
	char key[32];
	int64_t id = 0;

	snprintf(key, sizeof(key), "plk_%s", name);
	pl_secret_hash(key, hash);
	snprintf(key, sizeof(key), "pls_%s", name);
	HOLDS(s->ops->company_add(s, name, hash, key, &id) == PL_OK);
	HOLDS(s->ops->origin_add(s, id, "https://shop.example") == PL_OK);
	return id;
}

static void
add_agent(struct pl_store *s, int64_t company, const char *name,
    const char *token, const char *inboxes)
{
	struct pl_agent agent = {.name = name, .scope = {company, inboxes}};
	uint8_t hash[PL_HASH_LEN];

	pl_secret_hash(token, hash);
	HOLDS(s->ops->agent_add(s, &agent, hash) == PL_OK);
}

static void
add_conversation(struct pl_store *s, int64_t company, const char *id,
    const char *platform, const char *inbox, const char *session, bool is_here)
{
	struct pl_conversation c = {.company = company,
	    .public_id = id,
	    .platform = platform,
	    .inbox = inbox,
	    .name = "John"};
	struct pl_beat beat = {.tab = 1, .seq = -1};
	struct pl_beat_result result;
	uint8_t secret[PL_SESSION_LEN];
	bool created;

	HOLDS(pl_unhex(session, secret, sizeof(secret)) == PL_OK);
	HOLDS(s->ops->conversation_add(s, &c, secret, &created) == PL_OK);
	if (is_here)
		HOLDS(s->ops->beat(s, id, secret, &beat, &result) == PL_OK);
}

static void
seed(struct pl_store *s)
{
	int64_t acme, other;
	uint8_t hash[PL_HASH_LEN];
	struct pl_arena arena;
	struct pl_agent agent;
	bool changed;

	HOLDS(s->ops->begin(s, PL_TXN_WRITE, now) == PL_OK);
	acme = add_company(s, "acme");
	other = add_company(s, hidden);
	add_agent(s, acme, "Jane", "pla_all", NULL);
	add_agent(s, acme, "Joe", "pla_sales", "[\"sales\"]");
	add_agent(s, other, "Jill", hidden, NULL);
	add_conversation(s, acme, "conv_123", "WIDGET", "",
	    "10000000000000000000000000000000", true);
	add_conversation(s, acme, "conv_sales", "WIDGET", "sales",
	    "20000000000000000000000000000000", false);
	add_conversation(s, acme, "conv_fb", "FACEBOOK", "sales",
	    "30000000000000000000000000000000", false);
	add_conversation(s, other, "conv_123", "WIDGET", "", hidden, true);
	HOLDS(s->ops->key_add(s, acme, KEY, &(int64_t){0}) == PL_OK);
	pl_arena_init(&arena);
	pl_secret_hash("pla_all", hash);
	HOLDS(s->ops->agent_by_token(s, hash, &arena, &agent) == PL_OK);
	pl_arena_close(&arena);
	pl_secret_hash("plc_login", hash);
	HOLDS(s->ops->login_add(s, agent.id, hash, INT64_MAX / 2) == PL_OK);
	HOLDS(s->ops->position(s, &position) == PL_OK);
	HOLDS(s->ops->commit(s, &changed) == PL_OK);
}

/* Makes the database once, and keeps its bytes. */
static void
make_database(void)
{
	struct pl_rules rules = {60000, 150000, 2000, 5000};
	struct pl_store *s;
	FILE *f;

	HOLDS(
	    pl_sqlite_open(&s, database, true, &rules, 86400000, now) == PL_OK);
	seed(s);
	s->ops->close(s); /* the last one out puts all into the one file */
	HOLDS((f = fopen(database, "rb")) != NULL);
	HOLDS(fseek(f, 0, SEEK_END) == 0);
	seeded_len = (size_t)ftell(f);
	rewind(f);
	HOLDS((seeded = malloc(seeded_len)) != NULL);
	HOLDS(fread(seeded, 1, seeded_len, f) == seeded_len);
	fclose(f);
}

static void
remove_files(void)
{
	char path[128];
	size_t i;

	for (i = 0; pl_files_suffixes[i] != NULL; i++) {
		snprintf(
		    path, sizeof(path), "%s%s", database, pl_files_suffixes[i]);
		unlink(path);
	}
}

/* --- the program --- */

static const struct pl_endpoint *const endpoints[] = {
    &pl_endpoint_online,
    &pl_endpoint_heartbeat,
    &pl_endpoint_offline,
    &pl_endpoint_typing,
    &pl_endpoint_form,
    &pl_endpoint_presence,
    &pl_endpoint_events,
    &pl_endpoint_session_add,
    &pl_endpoint_session_end,
    &pl_endpoint_conversation_add,
    &pl_endpoint_conversation_remove,
    &pl_endpoint_health,
    NULL,
};

static void
app_open(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pl_config *c;
	FILE *f;

	HOLDS((f = fopen(database, "wb")) != NULL);
	HOLDS(fwrite(seeded, 1, seeded_len, f) == seeded_len);
	HOLDS(fclose(f) == 0);
	HOLDS((app = calloc(1, sizeof(*app))) != NULL);
	app->last = &app->first;
	app->program = PL_EVENTS;
	app->endpoints = endpoints;
	app->opened_at = INT64_MIN / 2;
	app->bell.file = app->bell.watch = app->shared.fd = -1;
	c = &app->config;
	HOLDS(pl_config_load(c, config, NULL) == PL_OK);
	snprintf(c->database, sizeof(c->database), "%s", database);
	strcpy(c->remote_user_company, "acme");
	c->sign_in_failures = 1000000; /* or it is all that is left to see */
	HOLDS(pl_network_parse(
		  "192.0.2.0/24", 12, &c->proxies.networks.list[0]) == PL_OK);
	c->proxies.networks.n = 1;
	app->rules = (struct pl_rules){c->timeout_ms, c->hidden_timeout_ms,
	    c->leave_grace_ms, c->min_beat_ms};
	HOLDS(open_all(app) == PL_OK);
	unlink(address.sun_path);
	HOLDS(fd >= 0 &&
	      bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	HOLDS(pl_fcgi_new(&app->fcgi, app->base, fd, on_request, app) == PL_OK);
}

static void
app_close(void)
{
	pl_fcgi_stop(app->fcgi);
	pl_fcgi_free(app->fcgi);
	app->fcgi = NULL;
	close_all(app); /* all but the socket */
	free(app);
	app = NULL;
	remove_files();
}

static void
leave(void)
{
	remove_files();
	unlink(address.sun_path);
	unlink(config);
	rmdir(folder);
}

/* In memory, if there is a place for that. */
static const char *
base(void)
{
	const char *given = getenv("TMPDIR");

	if (given != NULL && given[0] != '\0')
		return given;
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

void
served_open(void)
{
	FILE *f;
	size_t i;

	snprintf(folder, sizeof(folder), "%s/porchlight-fuzz-XXXXXX", base());
	HOLDS(mkdtemp(folder) != NULL);
	atexit(leave);
	snprintf(database, sizeof(database), "%s/porchlight.db", folder);
	snprintf(config, sizeof(config), "%s/porchlight.conf", folder);
	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	HOLDS((f = fopen(config, "w")) != NULL && fclose(f) == 0);
	for (i = 0; i < SERVED_CONNECTIONS; i++)
		HOLDS((connections[i].answers = malloc(ROOM)) != NULL);
	signal(SIGPIPE, SIG_IGN);
	pl_log_init("fuzz", PL_LOG_ERROR);
	make_database();
}

/* --- what is said of an answer --- */

/* The line at p, of n bytes at most; its length without CRLF. */
static size_t
line_len(const char *p, size_t n)
{
	const char *end = memchr(p, '\n', n);
	size_t len;

	HOLDS(end != NULL && end > p && end[-1] == '\r');
	len = (size_t)(end - p) - 1;
	HOLDS(pl_text_valid(p, len));
	return len;
}

static bool
starts(const char *p, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(p, with, strlen(with)) == 0;
}

static void
check_body(int status, const char *body, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(16);
	struct json_object *o, *error = NULL;
	const char *code = "";

	HOLDS(tok != NULL);
	json_tokener_set_flags(
	    tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, body, (int)len);
	HOLDS(json_object_is_type(o, json_type_object));
	HOLDS(json_tokener_get_parse_end(tok) == len);
	if (json_object_object_get_ex(o, "error", &error))
		code = json_object_get_string(error);
	HOLDS((status >= 400) == (error != NULL));
	if (error != NULL)
		HOLDS(json_object_object_get_ex(o, "message", NULL));
	HOLDS(status != 503 || strcmp(code, "busy") == 0);
	json_object_put(o);
	json_tokener_free(tok);
}

static void
check_status(int status)
{
	static const int known[] = {
	    200, 201, 204, 400, 401, 403, 404, 405, 413, 415, 429, 503};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == status)
			return;
	HOLDS(!"a status of the contract");
}

static void
check_answer(const char *p, size_t n)
{
	long length = -1;
	bool is_json = false, is_private = false;
	int status;
	size_t len;

	HOLDS(starts(p, n, "Status: "));
	status = atoi(p + 8);
	check_status(status);
	while ((len = line_len(p, n)) > 0) {
		if (starts(p, len, "Content-Length: "))
			length = atol(p + 16);
		is_json |= starts(p, len, "Content-Type: application/json");
		is_private |= starts(p, len, "Cache-Control: no-store");
		HOLDS(memchr(p, ':', len) != NULL);
		p += len + 2;
		n -= len + 2;
	}
	p += 2;
	n -= 2;
	HOLDS(is_private && length == (long)n);
	HOLDS(is_json == (status != 204));
	if (is_json)
		check_body(status, p, n);
}

/* All that came back is whole records: an answer for each request, or what
 * is said to what is none. The server may hang up, but not in between. */
static void
check_records(struct connection *c)
{
	struct pl_buf answer = PL_BUF_EMPTY;
	struct pl_fcgi_record r;
	size_t off = 0;

	c->ended = 0;
	while (off < c->len) {
		HOLDS(pl_fcgi_parse((unsigned char *)c->answers + off,
			  c->len - off, &r) == 1);
		off += r.total;
		if (r.type == PL_FCGI_STDOUT)
			pl_buf_add(&answer, r.content, r.len);
		else if (r.type == PL_FCGI_END) {
			HOLDS(r.len == 8);
			HOLDS((answer.len > 0) ==
			      (r.content[4] == PL_FCGI_COMPLETE));
			if (answer.len > 0)
				check_answer(answer.data, answer.len);
			c->ended += answer.len > 0;
			pl_buf_free(&answer);
		} else
			HOLDS(
			    r.id == 0 && (r.type == PL_FCGI_GET_VALUES_RESULT ||
					     r.type == PL_FCGI_UNKNOWN_TYPE));
	}
	HOLDS(answer.len == 0 && !answer.failed);
}

/* --- a run --- */

void
served_begin(const uint8_t *input, size_t size)
{
	now += 1000;
	if (app != NULL && runs % SERVED_RUNS == 0)
		app_close();
	if (app == NULL) {
		now = T0 + 1000;
		knows_hidden = false;
		app_open();
	}
	runs++;
	used = 0;
	knows_hidden = knows_hidden ||
		       memmem(input, size, hidden, sizeof(hidden) - 1) != NULL;
}

int
served_connect(void)
{
	struct connection *c = &connections[used];

	HOLDS(used < SERVED_CONNECTIONS);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	HOLDS(c->fd >= 0);
	HOLDS(
	    connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	c->len = c->ended = 0;
	return (int)used++;
}

void
served_send(int connection, const void *data, size_t size)
{
	/* What does not fit, or comes after it has hung up, is not sent. */
	(void)send(connections[connection].fd, data, size, MSG_NOSIGNAL);
}

void
served_cursor(char out[33])
{
	pl_cursor_format(&position, position.pruned, out);
}

void
served_next(char out[33])
{
	pl_next_format(&position, now, INT64_C(1) << 40, out);
}

static void
receive(struct connection *c)
{
	ssize_t n;

	while (c->len < ROOM &&
	       (n = recv(c->fd, c->answers + c->len, ROOM - c->len, 0)) > 0)
		c->len += (size_t)n;
	HOLDS(c->len < ROOM);
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 3 || (app->again && i < 100); i++) {
		HOLDS(event_base_loop(
			  app->base, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
		pl_app_turn(app);
	}
	HOLDS(!app->again && app->first == NULL);
}

void
served_turn(void)
{
	size_t i;

	turn();
	for (i = 0; i < used; i++)
		receive(&connections[i]);
}

size_t
served_answers(int connection)
{
	check_records(&connections[connection]);
	return connections[connection].ended;
}

void
served_end(void)
{
	struct connection *c;
	size_t i;

	served_turn();
	for (i = 0; i < used; i++) {
		c = &connections[i];
		check_records(c);
		HOLDS(knows_hidden || memmem(c->answers, c->len, hidden,
					  sizeof(hidden) - 1) == NULL);
		close(c->fd);
	}
	turn();
	HOLDS(pl_polls_count(app->polls) == 0);
	HOLDS(pl_fcgi_writing(app->fcgi) == 0);
}
