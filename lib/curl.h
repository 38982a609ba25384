#ifndef PL_CURL_H
#define PL_CURL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * HTTP as others see us, by the curl program: for `porchlight doctor`, which
 * is the only one of us who is ever a client.
 */
struct pl_curl_ask {
	const char *url;
	const char *token;  /* for Authorization; NULL: none */
	const char *body;   /* to be posted as text/plain; NULL: a GET */
	int64_t timeout_ms; /* for all of it */
	bool is_peek;       /* the first bytes will do */
};

/* One that is under way. */
struct pl_curl {
	pid_t pid; /* 0: none */
	int out, err;
	int64_t until; /* pl_curl_clock() */
	struct pl_buf text, trouble;
};

struct pl_curl_answer {
	int status;
	int64_t took_ms;      /* the request, without curl's own start */
	int64_t at;           /* when it was all there, pl_curl_clock() */
	int64_t date;         /* of the server, ms since 1970; 0: did not say */
	const char *location; /* where it sends us; "" */
	const char *body;     /* terminated; all three live until close */
};

#define PL_CURL_INIT                                                           \
	{                                                                      \
		.out = -1, .err = -1                                           \
	}

/* Milliseconds that no setting of a clock disturbs. */
int64_t pl_curl_clock(void);

/*
 * Starts it. The request goes to curl by a pipe: neither the token nor the
 * URL is for the process list. PL_ERR_NOT_FOUND: there is no curl.
 */
enum pl_err pl_curl_start(struct pl_curl *, const struct pl_curl_ask *) PL_MUST;

/*
 * Waits for its end, or until *stop. PL_ERR_SYSTEM: no answer came, and
 * pl_curl_trouble() says why; PL_ERR_BUSY: *stop.
 */
enum pl_err pl_curl_finish(struct pl_curl *, struct pl_curl_answer *,
    const volatile sig_atomic_t *stop) PL_MUST;

/* Is it still waiting for its answer, after that time? */
bool pl_curl_waits(
    struct pl_curl *, int64_t ms, const volatile sig_atomic_t *stop);

/* curl's own words. */
const char *pl_curl_trouble(const struct pl_curl *);

/* Ends it if it runs; usable again after. */
void pl_curl_close(struct pl_curl *);

#endif
