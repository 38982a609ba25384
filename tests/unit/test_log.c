#include <string.h>
#include <unistd.h>

#include "log.h"
#include "../lib/test.h"

static char out[4000];
static int pipe_fds[2], saved;

static void
init(void)
{
	cr_assert_eq(pipe(pipe_fds), 0);
	saved = dup(STDERR_FILENO);
	dup2(pipe_fds[1], STDERR_FILENO);
	close(pipe_fds[1]);
	pl_log_init("test", PL_LOG_INFO);
}

/* Ends the log, and reads all of it. */
static const char *
logged(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	n = read(pipe_fds[0], out, sizeof(out) - 1);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

TestSuite(log, .init = init);

/* What comes from outside makes no line of its own. */
Test(log, escapes_control_characters)
{
	pl_log(PL_LOG_WARN, "%s", "a\nb\x1b[31m\x7f\xc3\xa4");
	cr_expect_not_null(
	    strstr(logged(), "] warn: a\\x0ab\\x1b[31m\\x7f\xc3\xa4\n"), "%s",
	    out);
	cr_expect_eq(strchr(out, '\n')[1], '\0');
}

/* U+009B is ESC and a bracket in one; half a character is none. */
Test(log, escapes_what_is_no_clean_text)
{
	pl_log(PL_LOG_WARN, "%s", "a\xc2\x9b[m\xff\xe2\x82");
	cr_expect_not_null(
	    strstr(logged(), "] warn: a\\xc2\\x9b[m\\xff\\xe2\\x82\n"), "%s",
	    out);
}

Test(log, leaves_out_what_is_below_its_level)
{
	pl_log(PL_LOG_DEBUG, "not this");
	pl_log(PL_LOG_INFO, "this");
	cr_expect_null(strstr(logged(), "not this"));
	cr_expect_not_null(strstr(out, "info: this\n"));
}

Test(log, cuts_a_long_line)
{
	char text[3000];

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pl_log(PL_LOG_ERROR, "%s", text);
	cr_expect(strlen(logged()) <= 1000);
	cr_expect_eq(out[strlen(out) - 1], '\n');
}
