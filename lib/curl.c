/*
 * curl is on nearly every machine, knows TLS and proxies as that machine
 * needs them, and makes a client of us without a library. Its config comes
 * on standard input (-K -), its answer on standard output: the heads, the
 * body, and a last line that --write-out adds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "curl.h"

#define ANSWER_MOST (1u << 20)
#define LAST "\nporchlight-doctor "
#define GRACE_MS 3000 /* over that, for curl itself, whose limit is in s */

extern char **environ;

int64_t
pl_curl_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* name = "value", as curl's config file quotes it. */
static void
put(struct pl_buf *b, const char *name, const char *value)
{
	pl_buf_printf(b, "%s = \"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			pl_buf_add(b, "\\", 1);
		pl_buf_add(b, value, 1);
	}
	pl_buf_puts(b, "\"\n");
}

static void
put_config(struct pl_buf *b, const struct pl_curl_ask *ask)
{
	char header[300];

	pl_buf_puts(b, "silent\nshow-error\ninclude\ngloboff\n"
		       "connect-timeout = 5\n");
	put(b, "proto", "=http,https");
	put(b, "user-agent", "porchlight-doctor");
	/* A \n of its own, which curl makes of the two characters. */
	pl_buf_puts(b, "write-out = \"\\nporchlight-doctor %{http_code} "
		       "%{time_total}\"\n");
	/* Whole seconds: an old one takes no others. */
	pl_buf_printf(b, "max-time = %lld\n",
	    (long long)((ask->timeout_ms + 999) / 1000));
	put(b, "url", ask->url);
	if (ask->is_peek)
		put(b, "range", "0-15");
	if (ask->token != NULL) {
		snprintf(header, sizeof(header), "Authorization: Bearer %s",
		    ask->token);
		put(b, "header", header);
	}
	if (ask->body != NULL) {
		put(b, "header", "Content-Type: text/plain");
		put(b, "data-binary", ask->body);
	}
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool
make_pipe(int fds[2])
{
	if (pipe(fds) != 0) {
		fds[0] = fds[1] = -1;
		return false;
	}
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return true;
}

static int
spawn(pid_t *pid, int in, int out, int err)
{
	static char program[] = "curl", no_rc[] = "-q", config[] = "-K",
		    input[] = "-";
	char *argv[] = {program, no_rc, config, input, NULL};
	posix_spawn_file_actions_t fds;
	int error;

	if (posix_spawn_file_actions_init(&fds) != 0)
		return ENOMEM;
	posix_spawn_file_actions_adddup2(&fds, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fds, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fds, err, STDERR_FILENO);
	error = posix_spawnp(pid, program, &fds, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fds);
	return error;
}

/* A config is smaller than a pipe: it fits, whether or not curl reads. */
static enum pl_err
feed(int fd, const struct pl_buf *config)
{
	if (config->failed)
		return PL_ERR_NOMEM;
	return write(fd, config->data, config->len) == (ssize_t)config->len
		   ? PL_OK
		   : PL_ERR_SYSTEM;
}

enum pl_err
pl_curl_start(struct pl_curl *c, const struct pl_curl_ask *ask)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	struct pl_buf config = PL_BUF_EMPTY;
	enum pl_err result = PL_ERR_SYSTEM;
	int error = errno;

	c->pid = 0;
	put_config(&config, ask);
	if (make_pipe(in) && make_pipe(out) && make_pipe(err)) {
		result = feed(in[1], &config);
		error = spawn(&c->pid, in[0], out[1], err[1]);
		if (error != 0)
			c->pid = 0;
	}
	if (result == PL_OK && error != 0)
		result = error == ENOENT || error == EACCES ? PL_ERR_NOT_FOUND
							    : PL_ERR_SYSTEM;
	pl_buf_free(&config);
	close_fd(&in[0]);
	close_fd(&in[1]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	c->out = out[0];
	c->err = err[0];
	c->until = pl_curl_clock() + ask->timeout_ms + GRACE_MS;
	if (result != PL_OK)
		pl_curl_close(c);
	return result;
}

/* Takes what is there; false: it has ended, or is more than it may be. */
static bool
take(int *fd, struct pl_buf *b)
{
	char some[4096];
	ssize_t n = read(*fd, some, sizeof(some));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n > 0 && b->len < ANSWER_MOST) {
		pl_buf_add(b, some, (size_t)n);
		return true;
	}
	close_fd(fd);
	return false;
}

/* Reads until both have ended (true), or the time, or *stop. */
static bool
gather(struct pl_curl *c, int64_t until, const volatile sig_atomic_t *stop)
{
	struct pollfd p[2];
	int64_t left;

	while (c->out >= 0 || c->err >= 0) {
		left = until - pl_curl_clock();
		if (left <= 0 || *stop)
			return false;
		p[0] = (struct pollfd){.fd = c->out, .events = POLLIN};
		p[1] = (struct pollfd){.fd = c->err, .events = POLLIN};
		/* A signal between the look at *stop and the wait is seen a
		 * little later. */
		if (poll(p, 2, left < 200 ? (int)left : 200) <= 0)
			continue;
		if (p[0].revents != 0)
			take(&c->out, &c->text);
		if (p[1].revents != 0)
			take(&c->err, &c->trouble);
	}
	return true;
}

bool
pl_curl_waits(struct pl_curl *c, int64_t ms, const volatile sig_atomic_t *stop)
{
	return !gather(c, pl_curl_clock() + ms, stop);
}

/* A head's line of that name, or NULL. */
static char *
header(char *head, const char *name)
{
	size_t n = strlen(name);
	char *line;

	for (line = strchr(head, '\n'); line != NULL;
	     line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), whatever the locale. */
static int64_t
parse_date(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second;
	char month[4];
	const char *found;
	int64_t y, days;
	int m;

	if (sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year,
		&hour, &minute, &second) != 6 ||
	    (found = strstr(months, month)) == NULL)
		return 0;
	/* Days since 1970 of the civil calendar, the year from March on. */
	m = (int)(found - months) / 3 + 1;
	y = year - (m <= 2);
	days = 365 * y + y / 4 - y / 100 + y / 400 +
	       (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
	return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

/* Cuts the text into the last head, the body and what --write-out said. */
static bool
parse(struct pl_curl *c, struct pl_curl_answer *a)
{
	char *head = c->text.data, *body, *last = head + c->text.len, *end;
	size_t n = strlen(LAST);
	int seconds, ms;

	/* From the end: a body may hold anything. */
	do
		if (last-- == head)
			return false;
	while (strncmp(last, LAST, n) != 0);
	*last = '\0';
	/* Its language may write 0,250. */
	if (sscanf(last + n, "%d %d%*1[.,]%3d", &a->status, &seconds, &ms) != 3)
		return false;
	a->took_ms = (int64_t)seconds * 1000 + ms;
	a->location = a->body = "";
	/* An interim answer, or a proxy's, has a head of its own. */
	for (; strncmp(head, "HTTP/", 5) == 0; head = body) {
		if ((body = strstr(head, "\r\n\r\n")) == NULL)
			return false;
		*body = '\0';
		body += 4;
		a->body = body;
		if (strncmp(body, "HTTP/", 5) != 0)
			break;
	}
	if ((end = header(head, "Date")) != NULL)
		a->date = parse_date(end);
	if ((end = header(head, "Location")) != NULL) {
		end[strcspn(end, "\r\n")] = '\0';
		a->location = end;
	}
	return true;
}

static void
terminate(struct pl_buf *b)
{
	pl_buf_add(b, "", 1);
	if (b->data != NULL && !b->failed)
		b->data[b->len - 1] = '\0';
}

enum pl_err
pl_curl_finish(struct pl_curl *c, struct pl_curl_answer *a,
    const volatile sig_atomic_t *stop)
{
	bool whole = gather(c, c->until, stop);
	int status = 0;

	*a = (struct pl_curl_answer){.at = pl_curl_clock()};
	a->location = a->body = "";
	terminate(&c->text);
	terminate(&c->trouble);
	if (c->text.failed || c->trouble.failed)
		return PL_ERR_NOMEM;
	c->trouble.data[strcspn(c->trouble.data, "\r\n")] = '\0';
	if (*stop)
		return PL_ERR_BUSY;
	if (!whole)
		return PL_ERR_SYSTEM;
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	c->pid = 0;
	/* What it said on the way counts, if it only ended badly. */
	if (!parse(c, a) || a->status == 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		return PL_ERR_SYSTEM;
	return PL_OK;
}

const char *
pl_curl_trouble(const struct pl_curl *c)
{
	return c->trouble.data != NULL && c->trouble.data[0] != '\0'
		   ? c->trouble.data
		   : "no answer";
}

void
pl_curl_close(struct pl_curl *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	c->pid = 0;
	close_fd(&c->out);
	close_fd(&c->err);
	pl_buf_free(&c->text);
	pl_buf_free(&c->trouble);
}
