/*
 * The floor: what a FastCGI program costs that does nothing. libfcgi's own
 * accept loop, as its documentation has it, and an answer of the same bytes as
 * a real one. What Porchlight costs above this is its own; what is below is
 * libfcgi's and the web server's.
 *
 * It takes the place of presence.fcgi and of events.fcgi.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"

static void
answer(FCGX_Request *r)
{
	const char *uri = FCGX_GetParam("REQUEST_URI", r->envp);
	char body[8192];

	while (FCGX_GetStr(body, sizeof(body), r->in) > 0)
		continue;
	if (uri != NULL && strstr(uri, "/events") != NULL)
		FCGX_PutS(
		    "Status: 401 Unauthorized\r\n" ANSWER_HEAD "\r\n", r->out);
	else
		FCGX_PutS("Status: 200 OK\r\n"
			  "Content-Length: " ANSWER_BEAT_LENGTH
			  "\r\n" ANSWER_HEAD "\r\n" ANSWER_BEAT,
		    r->out);
}

int
main(void)
{
	FCGX_Request r;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&r, 0, 0) != 0)
		return EXIT_FAILURE;
	signal(SIGTERM, SIG_DFL); /* libfcgi's waits for one more request */
	while (FCGX_Accept_r(&r) == 0) {
		answer(&r);
		FCGX_Finish_r(&r);
	}
	return EXIT_SUCCESS;
}
