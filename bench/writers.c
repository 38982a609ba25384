/*
 * Processes that write at once to a store that bench/fill has filled, as those
 * of mod_fcgid do: each takes one beat after the other, in a transaction of its
 * own, as fast as it can.
 *
 *	writers CONFIG CUSTOMERS PROCESSES SECONDS
 *
 * How long each beat waits for its turn is taken where it waits, in begin();
 * and how long a process is not there for the next one, in tidy(). One JSON
 * object on stdout, times in ms:
 *
 *	{"beats": …, "busy": …, "cpu": …,
 *	 "wait": {"p50": …, "p99": …, "p999": …, "max": …}, "tidy": {…}}
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "customer.h"
#include "store.h"

#define PROCESSES_MAX 64
#define BEATS_MAX 4000000 /* of all processes together */

extern char **environ;

/* What the processes tell their parent; each has its share of the times. */
struct told {
	size_t n[PROCESSES_MAX];
	long busy[PROCESSES_MAX];
	float wait[BEATS_MAX], tidy[BEATS_MAX];
};

struct writer {
	struct pl_store *store;
	const struct customers *customers;
	float *wait, *tidy;
	size_t n, room;
	long busy;
};

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Memory that the processes and their parent share. */
static struct told *
share(void)
{
	void *p = mmap(NULL, sizeof(struct told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("writers");
		exit(1);
	}
	return p;
}

/* A turn of the loop with one beat in it. */
static enum pl_err
turn(struct writer *w, long n)
{
	const struct pl_store_ops *ops = w->store->ops;
	struct pl_beat beat = {.seq = -1, .tab = customer_tab(n)};
	uint8_t session[PL_SESSION_LEN];
	struct pl_beat_result r;
	double at, got;
	enum pl_err err;
	bool changed;

	customer_session(n, session);
	at = now_ms();
	err = ops->begin(w->store, PL_TXN_WRITE, pl_clock_now());
	got = now_ms();
	if (err == PL_ERR_LOCKED) {
		w->busy++;
		return PL_OK;
	}
	if (err != PL_OK ||
	    (err = ops->beat(
		 w->store, w->customers->id[n], session, &beat, &r)) != PL_OK ||
	    (err = ops->commit(w->store, &changed)) != PL_OK)
		return err;
	w->wait[w->n] = (float)(got - at);
	at = now_ms();
	ops->tidy(w->store, false);
	w->tidy[w->n++] = (float)(now_ms() - at);
	return PL_OK;
}

static int
write_beats(struct writer *w, const char *path, double until)
{
	struct pl_config c;
	struct pl_rules rules;
	enum pl_err err = pl_config_load(&c, path, environ);

	rules = (struct pl_rules){
	    c.timeout_ms, c.hidden_timeout_ms, c.leave_grace_ms, c.min_beat_ms};
	if (err == PL_OK)
		err = pl_sqlite_open(&w->store, c.database, false, &rules,
		    c.retention_ms, pl_clock_now());
	srand48(getpid());
	while (err == PL_OK && w->n < w->room && now_ms() < until)
		err = turn(w, (long)(drand48() * (double)w->customers->n));
	if (err != PL_OK) {
		fprintf(stderr, "writers: %s\n", pl_strerror(err));
		return 1;
	}
	w->store->ops->close(w->store);
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Puts the shares of all processes side by side. */
static size_t
gather(float *all, size_t room, const struct told *told, int processes)
{
	size_t n = 0;
	int i;

	for (i = 0; i < processes; i++) {
		memmove(
		    all + n, all + (size_t)i * room, told->n[i] * sizeof(*all));
		n += told->n[i];
	}
	qsort(all, n, sizeof(*all), by_size);
	return n;
}

static void
print(const char *name, const float *all, size_t n)
{
	printf(", \"%s\": {\"p50\": %.4f, \"p99\": %.4f, \"p999\": %.4f, "
	       "\"max\": %.4f}",
	    name, all[n / 2], all[n - 1 - n / 100], all[n - 1 - n / 1000],
	    all[n - 1]);
}

static void
report(struct told *told, size_t room, int processes)
{
	size_t n = gather(told->wait, room, told, processes);
	struct rusage use;
	long busy = 0;
	int i;

	for (i = 0; i < processes; i++)
		busy += told->busy[i];
	getrusage(RUSAGE_CHILDREN, &use);
	printf("{\"beats\": %zu, \"busy\": %ld, \"cpu\": %.1f", n, busy,
	    (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3);
	if (n > 0) {
		print("wait", told->wait, n);
		gather(told->tidy, room, told, processes);
		print("tidy", told->tidy, n);
	}
	printf("}\n");
}

static pid_t
start(struct told *told, int i, size_t room, const struct customers *customers,
    const char *config, double until)
{
	struct writer w = {.room = room,
	    .customers = customers,
	    .wait = told->wait + (size_t)i * room,
	    .tidy = told->tidy + (size_t)i * room};
	pid_t pid = fork();
	int status;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	status = write_beats(&w, config, until);
	told->n[i] = w.n;
	told->busy[i] = w.busy;
	_exit(status);
}

int
main(int argc, char *argv[])
{
	int i, status, failed = 0, processes;
	struct told *told = share();
	struct customers customers;
	size_t room;
	double until;

	if (argc != 5 || (processes = atoi(argv[3])) < 1 ||
	    processes > PROCESSES_MAX) {
		fprintf(stderr,
		    "usage: writers CONFIG CUSTOMERS PROCESSES SECONDS\n");
		return 2;
	}
	customers_load(&customers, argv[2], 1);
	room = BEATS_MAX / (size_t)processes;
	until = now_ms() + atof(argv[4]) * 1e3;
	for (i = 0; i < processes; i++)
		failed |= start(told, i, room, &customers, argv[1], until) < 0;
	while (wait(&status) > 0)
		failed |= status != 0;
	report(told, room, processes);
	free(customers.id);
	return failed;
}
