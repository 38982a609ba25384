#ifndef PL_CGI_H
#define PL_CGI_H

#include <stdbool.h>

#include "conn.h"

/*
 * Plain CGI: one request, from the environment and standard input, answered
 * on standard output. A poll is held like any other, and the process with it.
 */
struct event_base;
struct pl_cgi;

/* Is fd a socket that listens (FastCGI), or anything else (plain CGI)? */
bool pl_cgi_is_listening(int fd);

/*
 * Reads the request from in (at most 10 s) and hands it to request(). After
 * the answer is written to out, end() is called, once. PL_ERR_NOMEM.
 */
enum pl_err pl_cgi_new(struct pl_cgi **made, struct event_base *base, int in,
    int out, char *const env[], pl_request_fn request, void (*end)(void *arg),
    void *arg) PL_MUST;
void pl_cgi_free(struct pl_cgi *);

#endif
