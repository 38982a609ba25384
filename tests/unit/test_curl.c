/*
 * What is asked of curl and made of its answers. curl is here a script that
 * the test writes, found by PATH; the real one is at work in
 * tests/e2e/doctor.test.js.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "curl.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

static struct pl_curl curl = PL_CURL_INIT;
static struct pl_curl_answer answer;
static volatile sig_atomic_t stop;
static char path[600];

static void
open_all(void)
{
	tmpdir_make();
	stop = 0;
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", tmpdir());
	setenv("PATH", path, 1);
}

static void
close_all(void)
{
	pl_curl_close(&curl);
	tmpdir_remove();
}

TestSuite(curl, .init = open_all, .fini = close_all);

/* curl is from now on that script, which has read its config. */
static void
be_curl(const char *script)
{
	char text[2000];

	snprintf(text, sizeof(text),
	    "#!/bin/sh\necho \"$*\" >%s/args\ncat >%s/config\n%s\n", tmpdir(),
	    tmpdir(), script);
	cr_assert_eq(chmod(tmpdir_write("curl", text), 0700), 0);
}

static enum pl_err
ask(const struct pl_curl_ask *a)
{
	enum pl_err err;

	pl_curl_close(&curl);
	err = pl_curl_start(&curl, a);
	return err == PL_OK ? pl_curl_finish(&curl, &answer, &stop) : err;
}

static enum pl_err
ask_simply(void)
{
	return ask(&(struct pl_curl_ask){
	    .url = "http://a.example/x", .timeout_ms = 10000});
}

static const char *
read_text(const char *name)
{
	static char text[4000];
	FILE *f = fopen(tmpdir_path(name), "r");

	cr_assert_not_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

#define LAST "printf '\\nporchlight-doctor 200 0,250123'"

/* Neither token, URL nor body are for the process list. */
Test(curl, is_asked_by_its_standard_input)
{
	struct pl_curl_ask a = {.url = "https://a.example/\"x\\",
	    .token = "pla_secret",
	    .body = "{\"a\":1}",
	    .timeout_ms = 2500};
	const char *config;

	be_curl("printf 'HTTP/1.1 200 OK\\r\\n\\r\\nyes'; " LAST);
	cr_expect_eq(ask(&a), PL_OK);
	cr_expect_str_eq(read_text("args"), "-q -K -\n");
	config = read_text("config");
	cr_expect_not_null(
	    strstr(config, "url = \"https://a.example/\\\"x\\\\\"\n"));
	cr_expect_not_null(
	    strstr(config, "header = \"Authorization: Bearer pla_secret\"\n"));
	cr_expect_not_null(strstr(config, "data-binary = \"{\\\"a\\\":1}\"\n"));
	cr_expect_not_null(strstr(config, "max-time = 3\n"));
	cr_expect_not_null(strstr(config, "proto = \"=http,https\"\n"));
}

Test(curl, takes_an_answer_apart)
{
	be_curl("printf 'HTTP/2 200 \\r\\ndate: Sun, 06 Nov 1994 08:49:37 "
		"GMT\\r\\nLOCATION: /y\\r\\n\\r\\n{\"a\": 1}'; " LAST);
	cr_assert_eq(ask_simply(), PL_OK);
	cr_expect_eq(answer.status, 200);
	cr_expect_eq(answer.took_ms, 250);
	cr_expect_eq(answer.date, INT64_C(784111777000));
	cr_expect_str_eq(answer.location, "/y");
	cr_expect_str_eq(answer.body, "{\"a\": 1}");
}

/* The last head is the answer's; those before it are a proxy's, or interim. */
Test(curl, passes_over_interim_answers)
{
	be_curl("printf 'HTTP/1.1 100 Continue\\r\\n\\r\\nHTTP/1.1 200 "
		"OK\\r\\nDate: Tue, 29 Feb 2028 23:59:59 "
		"GMT\\r\\n\\r\\nyes'; " LAST);
	cr_assert_eq(ask_simply(), PL_OK);
	cr_expect_eq(answer.date, INT64_C(1835481599000));
	cr_expect_str_eq(answer.body, "yes");
}

/* Bytes of a file, and a body that says what our last line says. */
Test(curl, takes_any_body)
{
	be_curl("printf 'HTTP/1.1 200 OK\\r\\n\\r\\nSQLite format 3\\000x"
		"\\nporchlight-doctor 500 1\\n'; " LAST);
	cr_assert_eq(ask_simply(), PL_OK);
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(answer.body, "SQLite format 3");
}

Test(curl, tells_in_its_own_words_why_there_is_no_answer)
{
	be_curl("echo 'curl: (7) Failed to connect' >&2; "
		"printf '\\nporchlight-doctor 000 0.001'; exit 7");
	cr_expect_eq(ask_simply(), PL_ERR_SYSTEM);
	cr_expect_str_eq(pl_curl_trouble(&curl), "curl: (7) Failed to connect");
	be_curl("exit 1");
	cr_expect_eq(ask_simply(), PL_ERR_SYSTEM);
	cr_expect_str_eq(pl_curl_trouble(&curl), "no answer");
}

Test(curl, may_not_be_there)
{
	setenv("PATH", tmpdir(), 1);
	cr_expect_eq(ask_simply(), PL_ERR_NOT_FOUND);
}

/* An answer without end is ended, whatever curl says to that. */
Test(curl, takes_no_more_than_a_mebibyte)
{
	be_curl("exec yes");
	cr_expect_eq(ask_simply(), PL_ERR_SYSTEM);
	cr_expect_leq(curl.text.len, (1 << 20) + 4097);
}

/* It is given some seconds over its own limit, and then killed. */
Test(curl, does_not_wait_for_ever)
{
	int64_t began = pl_curl_clock();

	be_curl("exec sleep 60");
	cr_expect_eq(ask(&(struct pl_curl_ask){
			 .url = "http://a.example", .timeout_ms = 100}),
	    PL_ERR_SYSTEM);
	pl_curl_close(&curl);
	cr_expect_lt(pl_curl_clock() - began, 30000);
	stop = 1;
	cr_expect_eq(ask_simply(), PL_ERR_BUSY, "somebody pressed Ctrl-C");
}

Test(curl, tells_whether_it_still_waits)
{
	be_curl("exec sleep 60");
	cr_assert_eq(pl_curl_start(
			 &curl, &(struct pl_curl_ask){.url = "http://a.example",
				    .timeout_ms = 30000}),
	    PL_OK);
	cr_expect(pl_curl_waits(&curl, 50, &stop));
	pl_curl_close(&curl);
	be_curl("printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'; " LAST);
	cr_assert_eq(pl_curl_start(
			 &curl, &(struct pl_curl_ask){.url = "http://a.example",
				    .timeout_ms = 30000}),
	    PL_OK);
	cr_expect(!pl_curl_waits(&curl, 20000, &stop));
	cr_expect_eq(pl_curl_finish(&curl, &answer, &stop), PL_OK);
	cr_expect_str_eq(answer.body, "");
}
