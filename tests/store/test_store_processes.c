/*
 * Several processes at one store, some of which die.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"

TestSuite(store_processes, .init = stage_open, .fini = stage_close);

#define WRITERS 2
#define BEATS 1000

static struct stage_page page;

/* In a process of its own: beats of its own sessions, one a turn. */
static int
write_beats(unsigned int writer, unsigned int n)
{
	struct pl_beat beat = {.seq = -1};
	struct pl_beat_result r;
	struct pl_store *s;
	unsigned int i;
	bool changed;
	char id[16];

	if (pl_sqlite_open(&s, stage_path(), false, &stage_rules,
		STAGE_RETENTION_MS, T0) != PL_OK)
		return 1;
	for (i = 0; i < n; i++) {
		unsigned int who = writer * 100 + i % 100;

		snprintf(id, sizeof(id), "conv_%u", who);
		beat.tab = i / 100;
		if (s->ops->begin(s, PL_TXN_WRITE, T0 + i) != PL_OK)
			return 2;
		if (s->ops->beat(s, id, stage_secret(who), &beat, &r) != PL_OK)
			return 3;
		if (s->ops->commit(s, &changed) != PL_OK || !changed)
			return 4;
		s->ops->tidy(s, false);
	}
	s->ops->close(s);
	return 0;
}

/* The store is shut before: what forks must not have it open. */
static pid_t
start_writer(unsigned int writer, unsigned int n)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(write_beats(writer, n));
	return pid;
}

static void
add_conversations(unsigned int writers)
{
	unsigned int i;
	char id[16];

	for (i = 0; i < 100 * writers; i++) {
		snprintf(id, sizeof(id), "conv_%u", i);
		stage_conversation(acme, id, i);
	}
	stage->ops->close(stage);
	stage = NULL;
}

/* Two write 1,000 beats each at once: all are there, and nobody failed. */
Test(store_processes, two_writers_lose_nothing)
{
	pid_t pids[WRITERS];
	struct pl_counts n;
	unsigned int i;
	int status;

	add_conversations(WRITERS);
	for (i = 0; i < WRITERS; i++)
		pids[i] = start_writer(i, BEATS);
	for (i = 0; i < WRITERS; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect(WIFEXITED(status));
		cr_expect_eq(WEXITSTATUS(status), 0, "writer %u: step %d", i,
		    WEXITSTATUS(status));
	}
	stage = stage_again(T0 + BEATS);
	stage_changes(0, T0 + BEATS, &page);
	cr_expect_eq(page.n, 100 * WRITERS, "one coming of each");
	stage_read(T0 + BEATS);
	cr_assert_eq(stage->ops->counts(stage, &n), PL_OK);
	stage_commit();
	cr_expect_eq(n.tabs, WRITERS * BEATS);
	cr_expect_eq(n.online, 100 * WRITERS);
	cr_expect_eq(stage_position(T0).seq, WRITERS * BEATS,
	    "one number for each beat");
}

static int64_t
bytes_of_log(void)
{
	struct stat st;
	char wal[1200];

	snprintf(wal, sizeof(wal), "%s-wal", stage_path());
	return stat(wal, &st) == 0 ? st.st_size : 0;
}

/* However many write, the log is shortened in between: each mark that it
 * passes takes one of them away from writing. */
Test(store_processes, log_stays_short_while_all_write)
{
	enum { PROCESSES = 6, EACH = 3000 }; /* 56 MB, if it were kept */
	int64_t bytes, most = 0;
	unsigned int i;
	int status;

	add_conversations(PROCESSES);
	for (i = 0; i < PROCESSES; i++)
		start_writer(i, EACH);
	for (i = 0; i < PROCESSES;) {
		if ((bytes = bytes_of_log()) > most)
			most = bytes;
		usleep(1000);
		if (waitpid(-1, &status, WNOHANG) == 0)
			continue;
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		i++;
	}
	cr_expect_lt(most, 20000000, "%lld bytes", (long long)most);
}

/* Killed anywhere: the store opens, and each session's story is whole. */
Test(store_processes, killed_writer_leaves_nothing_half)
{
	struct pl_counts n;
	unsigned int round;
	int64_t last = 0;
	size_t i;
	pid_t pid;

	add_conversations(WRITERS);
	/* Later and later: on a machine that is busy it takes more rounds. */
	for (round = 0; round < 12 || last == 0; round++) {
		pid = start_writer(round % 2, 100000);
		usleep(3000 + round * 2500);
		kill(pid, SIGKILL);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		stage = stage_again(T0);
		cr_expect_geq(stage_position(T0).seq, last);
		last = stage_position(T0).seq;
		stage_changes(0, T0, &page);
		stage_read(T0);
		cr_assert_eq(stage->ops->counts(stage, &n), PL_OK);
		stage_commit();
		cr_expect_eq(n.changes, page.n);
		cr_expect_eq(n.online, page.n, "as many here as came");
		for (i = 0; i < page.n; i++)
			cr_expect_eq(page.events[i].e.kind, PL_EVENT_ONLINE);
		if (page.n > 0)
			cr_expect_leq(page.events[page.n - 1].e.seq, last);
		stage->ops->close(stage);
		stage = NULL;
	}
}

/* Who dies in its turn keeps nobody waiting. */
Test(store_processes, turn_of_a_killed_writer_is_free)
{
	int ready[2];
	char c;
	pid_t pid;

	stage_conversation(acme, "conv_1", 1);
	stage->ops->close(stage);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct pl_beat beat = {.tab = 7, .seq = -1};
		struct pl_beat_result r;

		stage = stage_again(T0);
		stage_write(T0);
		if (stage->ops->beat(
			stage, "conv_1", stage_secret(1), &beat, &r) != PL_OK)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		pause();
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	stage = stage_again(T0);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 0, "it had not committed");
	stage_beat("conv_1", 1, 7, T0 + 1);
	stage_changes(0, T0 + 1, &page);
	cr_expect_eq(page.n, 1);
}
