#ifndef PL_CONFIG_H
#define PL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "log.h"

#define PL_CONFIG_ERROR_LEN 512

/*
 * Every setting that is a number: name in the file, member, default, least,
 * most. Durations are milliseconds. The names are those of the HTTP
 * contract.
 */
#define PL_CONFIG_NUMBERS(X)                                                   \
	X("timeoutMs", timeout_ms, 60000, 100, 86400000)                       \
	X("heartbeatIntervalMs", heartbeat_interval_ms, 30000, 50, 86400000)   \
	X("hiddenTimeoutMs", hidden_timeout_ms, 150000, 100, 86400000)         \
	X("leaveGraceMs", leave_grace_ms, 2000, 0, 60000)                      \
	X("minBeatMs", min_beat_ms, 5000, 0, 3600000)                          \
	X("pollTimeoutMs", poll_timeout_ms, 20000, 0, 55000)                   \
	X("retentionMs", retention_ms, 86400000, 1000, 31536000000)            \
	X("maxWaiters", max_waiters, 10000, 0, 1000000)                        \
	X("formsPerMinute", forms_per_minute, 120, 1, 1000000)                 \
	X("agentSessionMs", agent_session_ms, 43200000, 1000, 31536000000)     \
	X("slowTickMs", slow_tick_ms, 1000, 10, 60000)                         \
	X("beatsPerMinute", beats_per_minute, 600, 0, 1000000)                 \
	X("addressBeatsPerMinute", address_beats_per_minute, 6000, 0, 1000000) \
	X("signInFailures", sign_in_failures, 10, 1, 1000000)                  \
	X("conversationRetentionMs", keep_ms, 7776000000, 0, 315360000000)

struct pl_config {
	char file[1024]; /* what was read, or would have been */
	char database[1024];
	int log; /* enum pl_log_level */
	struct pl_proxies proxies;
	struct pl_networks metrics_from;
	char remote_user_company[256]; /* ""; then REMOTE_USER is nobody */
	bool sandbox;                  /* see sandbox.h */
#define MEMBER(name, member, preset, least, most) int64_t member;
	PL_CONFIG_NUMBERS(MEMBER)
#undef MEMBER
	bool max_waiters_set;            /* not its default */
	char error[PL_CONFIG_ERROR_LEN]; /* what is wrong, if anything is */
};

/*
 * Reads the file at path, then whatever of the environment is called
 * PORCHLIGHT_ and the name of a setting (in any case, with or without
 * underscores: PORCHLIGHT_TIMEOUT_MS). path NULL: the file that
 * PORCHLIGHT_CONFIG names, else porchlight.conf beside the running program,
 * else the one of the installation, which need not exist. env is as environ(7),
 * or NULL.
 *
 * PL_ERR_CONFIG: c->error says where, what, and what was expected.
 */
enum pl_err pl_config_load(
    struct pl_config *c, const char *path, char *const env[]) PL_MUST;

#endif
