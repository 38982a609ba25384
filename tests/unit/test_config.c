#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

TestSuite(config, .init = tmpdir_make, .fini = tmpdir_remove);

static struct pl_config config;

static enum pl_err
load(const char *text, char *const env[])
{
	return pl_config_load(
	    &config, tmpdir_write("porchlight.conf", text), env);
}

/* Nothing set: the contract's table of defaults. */
Test(config, has_the_defaults_of_the_contract)
{
	cr_assert_eq(load("", NULL), PL_OK, "%s", config.error);
	cr_expect_eq(config.timeout_ms, 60000);
	cr_expect_eq(config.heartbeat_interval_ms, 30000);
	cr_expect_eq(config.hidden_timeout_ms, 150000);
	cr_expect_eq(config.leave_grace_ms, 2000);
	cr_expect_eq(config.min_beat_ms, 5000);
	cr_expect_eq(config.poll_timeout_ms, 20000);
	cr_expect_eq(config.retention_ms, 86400000);
	cr_expect_eq(config.log, PL_LOG_INFO);
	cr_expect(config.sandbox);
}

/* A folder that is moved takes its database with it. */
Test(config, a_relative_database_lies_beside_the_file)
{
	char expected[1100];

	cr_assert_eq(
	    load("database = ../data/p.db\n", NULL), PL_OK, "%s", config.error);
	snprintf(expected, sizeof(expected), "%s/../data/p.db", tmpdir());
	cr_expect_str_eq(config.database, expected);
	snprintf(expected, sizeof(expected), "%s/porchlight.conf", tmpdir());
	cr_expect_str_eq(config.file, expected);
}

/* In the environment there is nothing that it could be relative to. */
Test(config, a_relative_database_of_the_environment_is_refused)
{
	char database[] = "PORCHLIGHT_DATABASE=p.db";
	char *env[] = {database, NULL};

	cr_expect_eq(load("", env), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, "absolute path"));
}

/* Every number of the file reaches its own member. */
Test(config, reads_every_setting)
{
	char text[2000] =
	    "# a comment\n\n  database = /var/x y.db  \nlog=debug\n"
	    "sandbox = off\n";
	int64_t n = 1000;

#define WRITE(name, member, preset, least, most)                               \
	snprintf(text + strlen(text), sizeof(text) - strlen(text),             \
	    "%s = %lld\n", name, (long long)++n);
	PL_CONFIG_NUMBERS(WRITE)
	strcat(text, "minBeatMs = 17\n"); /* the later line counts */
	cr_assert_eq(load(text, NULL), PL_OK, "%s", config.error);
	cr_expect_str_eq(config.database, "/var/x y.db");
	cr_expect_eq(config.log, PL_LOG_DEBUG);
	cr_expect(!config.sandbox);
	cr_expect_eq(config.timeout_ms, 1001);
	cr_expect_eq(config.heartbeat_interval_ms, 1002);
	cr_expect_eq(config.hidden_timeout_ms, 1003);
	cr_expect_eq(config.leave_grace_ms, 1004);
	cr_expect_eq(config.min_beat_ms, 17);
	cr_expect_eq(config.poll_timeout_ms, 1006);
	cr_expect_eq(config.retention_ms, 1007);
	cr_expect_eq(config.max_waiters, 1008);
	cr_expect_eq(config.forms_per_minute, 1009);
	cr_expect_eq(config.agent_session_ms, 1010);
	cr_expect_eq(config.slow_tick_ms, 1011);
	cr_expect_eq(config.beats_per_minute, 1012);
	cr_expect_eq(config.address_beats_per_minute, 1013);
	cr_expect_eq(config.sign_in_failures, 1014);
}

Test(config, reads_who_stands_in_front)
{
	cr_assert_eq(load("remoteUserCompany = My Shop\n"
			  "trustedProxies = 10.0.0.0/8,2001:db8::/32 ::1\n"
			  "forwardedHeader = forwarded\n",
			 NULL),
	    PL_OK, "%s", config.error);
	cr_expect_str_eq(config.remote_user_company, "My Shop");
	cr_expect_eq(config.proxies.networks.n, 3);
	cr_expect_eq(config.proxies.networks.list[0].bits, 96 + 8);
	cr_expect_eq(config.proxies.networks.list[1].bits, 32);
	cr_expect_eq(config.proxies.networks.list[2].bits, 128);
	cr_expect(config.proxies.forwarded);
	cr_assert_eq(
	    load("trustedProxies = 10.0.0.1\ntrustedProxies =\n", NULL), PL_OK);
	cr_expect_eq(config.proxies.networks.n, 0);
	cr_expect_str_eq(config.remote_user_company, "");
	cr_expect_not(config.proxies.forwarded);
}

/* Loopback, if it is not said; nobody, if nothing is. */
Test(config, reads_who_may_have_the_metrics)
{
	cr_assert_eq(load("", NULL), PL_OK);
	cr_expect_eq(config.metrics_from.n, 2);
	cr_expect_eq(config.metrics_from.list[0].bits, 96 + 8);
	cr_assert_eq(load("metricsFrom = 192.0.2.0/24\n", NULL), PL_OK);
	cr_expect_eq(config.metrics_from.n, 1);
	cr_expect_eq(config.proxies.networks.n, 0);
	cr_assert_eq(load("metricsFrom =\n", NULL), PL_OK);
	cr_expect_eq(config.metrics_from.n, 0);
}

Test(config, refuses_more_proxies_than_there_is_room_for)
{
	char text[2000] = "trustedProxies =";
	int i;

	for (i = 0; i < PL_NETWORKS_MAX; i++)
		strcat(text, " 10.0.0.1");
	cr_expect_eq(load(text, NULL), PL_OK);
	strcat(text, " 10.0.0.1");
	cr_expect_eq(load(text, NULL), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, "at most 64"));
}

struct mistake {
	char text[80];
	char told[80]; /* all of it stands in the message */
};

ParameterizedTestParameters(config, names_the_line_and_what_was_expected)
{
	static struct mistake rows[] = {
	    {"timeoutMs = abc\n", ":1: timeoutMs is \"abc\": expected a whole"},
	    {"\n\ntimeoutMs = 99\n", ":3: timeoutMs is \"99\": expected"},
	    {"timeoutMs = 86400001\n", "from 100 to 86400000"},
	    {"timeoutMs = 5000 # five\n", ":1: timeoutMs is \"5000 # five\""},
	    {"timeoutMs = 99999999999999999999\n", ":1: timeoutMs"},
	    {"timeoutMs =\n", ":1: timeoutMs is \"\""},
	    {"sandbox = yes\n", ":1: sandbox is \"yes\": expected on or off"},
	    {"TimeoutMs = 1000\n", ":1: \"TimeoutMs\" is no setting"},
	    {"timeoutMs\n", ":1: \"timeoutMs\": expected name = value"},
	    {"log = loud\n", "expected error, warn, info or debug"},
	    {"database =\n", "expected an absolute path"},
	    {"trustedProxies = proxy.example\n",
		"trustedProxies: \"proxy.example\": expected addresses"},
	    {"trustedProxies = 10.0.0.0/8, 10.0.0.0/33\n", "10.0.0.0/33"},
	    {"metricsFrom = all\n", "metricsFrom: \"all\": expected addresses"},
	    {"forwardedHeader = Via\n", "X-Forwarded-For or Forwarded"},
	    {"timeoutMs=1000\nminBeatMs=1000\n",
		"expected less than timeoutMs"},
	};

	return ROWS(struct mistake, rows);
}

ParameterizedTest(
    struct mistake *row, config, names_the_line_and_what_was_expected)
{
	cr_expect_eq(load(row->text, NULL), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, row->told), "%s", config.error);
}

/* A line that is too long is told, not cut. */
Test(config, refuses_a_line_without_end)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_eq(load(text, NULL), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, ":1: line too long"));
}

struct spelling {
	char env[60];
};

ParameterizedTestParameters(config, is_overridden_from_the_environment)
{
	static struct spelling rows[] = {
	    {"PORCHLIGHT_TIMEOUT_MS=7000"},
	    {"PORCHLIGHT_TIMEOUTMS=7000"},
	    {"PORCHLIGHT_timeoutMs=7000"},
	};

	return ROWS(struct spelling, rows);
}

ParameterizedTest(
    struct spelling *row, config, is_overridden_from_the_environment)
{
	char *const env[] = {row->env, NULL};

	cr_assert_eq(
	    load("timeoutMs = 5000\n", env), PL_OK, "%s", config.error);
	cr_expect_eq(config.timeout_ms, 7000);
}

/* A mistake there names the variable; a name that is none is not ours. */
Test(config, tells_which_variable_is_wrong)
{
	char bad[] = "PORCHLIGHT_TIMEOUT_MS=soon", other[] = "PORCHLIGHT_X=1";
	char *const env[] = {bad, NULL}, *const harmless[] = {other, NULL};

	cr_expect_eq(load("", env), PL_ERR_CONFIG);
	cr_expect_eq(strncmp(config.error, "PORCHLIGHT_TIMEOUT_MS: ", 23), 0);
	cr_expect_eq(load("", harmless), PL_OK);
}

/* A short window alone: beats come in time, and none is skipped for long. */
Test(config, lets_what_was_not_set_follow_the_window)
{
	cr_assert_eq(load("timeoutMs = 3000\n", NULL), PL_OK);
	cr_expect_eq(config.heartbeat_interval_ms, 1500);
	cr_expect_eq(config.min_beat_ms, 250);
	cr_assert_eq(
	    load("timeoutMs = 3000\nheartbeatIntervalMs = 2500\n", NULL),
	    PL_OK);
	cr_expect_eq(config.heartbeat_interval_ms, 2500);
}

/* A file that was named must be there. */
Test(config, wants_the_file_that_was_named)
{
	cr_expect_eq(
	    pl_config_load(&config, tmpdir_path("none"), NULL), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, "cannot be opened"));
}

/* Who can change it says which database is used. A group may, if it was let;
 * and where nobody gets to, the mode of the file does not matter. */
Test(config, is_refused_if_all_may_change_it)
{
	const char *path = tmpdir_write("porchlight.conf", "");

	cr_assert_eq(chmod(tmpdir(), 0755), 0);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_expect_eq(pl_config_load(&config, path, NULL), PL_ERR_CONFIG);
	cr_expect_not_null(strstr(config.error, "chmod o-w"));
	cr_assert_eq(chmod(path, 0664), 0);
	cr_expect_eq(pl_config_load(&config, path, NULL), PL_OK);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_assert_eq(chmod(tmpdir(), 0700), 0);
	cr_expect_eq(pl_config_load(&config, path, NULL), PL_OK);
}
