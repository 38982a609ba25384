/*
 * Each check of the doctor, given what is right and what is wrong. What can
 * really be made wrong on a machine is so in tests/e2e/doctor.test.js too.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_guest.h"
#include "served.h"
#include "../lib/stage.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

#define MIB (UINT64_C(1) << 20)

static struct pl_config config;
static struct pl_shared_page *page;
static struct pl_served *presence, *events;
static struct pl_doctor d;
static char *text;
static size_t text_len;

static void
open_all(void)
{
	stage_open();
	config = (struct pl_config){.poll_timeout_ms = 20000};
	snprintf(config.database, sizeof(config.database), "%s", stage_path());
	snprintf(config.file, sizeof(config.file), "%s",
	    tmpdir_path("porchlight.conf"));
	page = calloc(1, sizeof(*page));
	presence = &page->served[PL_PRESENCE];
	events = &page->served[PL_EVENTS];
	d = (struct pl_doctor){.config = &config,
	    .out = open_memstream(&text, &text_len),
	    .now = T0};
}

static void
close_all(void)
{
	fclose(d.out);
	free(text);
	free(page);
	stage_close();
}

TestSuite(doctor, .init = open_all, .fini = close_all);

/* The last line has that verdict, and those words in it. */
static bool
said(enum pl_verdict verdict, const char *words)
{
	static const char *const verdicts[] = {"ok ", "warn ", "FAIL "};
	const char *last = text;
	char *line;

	fflush(d.out);
	while ((line = strchr(last, '\n')) != NULL && line[1] != '\0')
		last = line + 1;
	if (strncmp(last, verdicts[verdict], strlen(verdicts[verdict])) == 0 &&
	    strstr(last, words) != NULL)
		return true;
	fprintf(stderr, "%s", last);
	return false;
}

static void
serve(enum pl_mode mode)
{
	*events = (struct pl_served){.at = T0,
	    .seen_at = T0,
	    .files = 20000,
	    .processes = -1,
	    .waiters = 10,
	    .mode = mode,
	    .software = "httpd/1.0"};
	*presence = *events;
}

/* ---- a line ---- */

/* Counted, one line whatever is in it, and harmless to a terminal. */
Test(doctor, says_a_line)
{
	pl_doctor_say(&d, PL_WARN, "name", "%s", "a\nb\033[2J");
	cr_expect(said(PL_WARN, "a?b?[2J"));
	pl_doctor_say(&d, PL_WRONG, "name", "x");
	pl_doctor_say(&d, PL_FINE, "name", "x");
	cr_expect_eq(d.warned, 1);
	cr_expect_eq(d.wrong, 1);
}

/* ---- SQLite ---- */

Test(doctor, knows_which_sqlite_has_the_wal_reset_bug)
{
	static const struct {
		int version;
		bool has_it;
	} rows[] = {
	    {3006023, false},
	    {3007000, true},
	    {3037000, true},
	    {3040001, true},
	    {3043999, true},
	    {3044000, true},
	    {3044005, true},
	    {3044006, false},
	    {3044007, false},
	    {3045000, true},
	    {3049002, true},
	    {3050000, true},
	    {3050006, true},
	    {3050007, false},
	    {3050008, false},
	    {3051000, true},
	    {3051002, true},
	    {3051003, false},
	    {3052000, false},
	    {3053000, false},
	    {4000000, false},
	};
	size_t i;

	for (i = 0; i < LENGTH(rows); i++)
		cr_expect_eq(pl_doctor_has_wal_bug(rows[i].version),
		    rows[i].has_it, "%d", rows[i].version);
}

Test(doctor, warns_of_an_sqlite_that_has_it)
{
	pl_doctor_sqlite(&d, 3040001, NULL);
	cr_expect(said(PL_WARN, "3.40.1"));
	pl_doctor_sqlite(&d, 3051003, NULL);
	cr_expect(said(PL_FINE, "3.51.3"));
	pl_doctor_sqlite(&d, 3040001, "NFS");
	cr_expect(said(PL_FINE, "rollback journal"), "there is no WAL there");
	pl_doctor_sqlite(&d, 0, NULL);
	fflush(d.out);
	cr_expect_not_null(strstr(text, "this command"));
}

Test(doctor, finds_a_damaged_database)
{
	char path[1024], rubbish[1024];
	FILE *f;

	pl_doctor_integrity(&d, 60000);
	cr_expect(said(PL_FINE, "whole"));
	snprintf(path, sizeof(path), "%s", stage_path());
	stage->ops->close(stage); /* and with it the WAL */
	stage = NULL;
	memset(rubbish, 'x', sizeof(rubbish));
	f = fopen(path, "r+");
	cr_assert_not_null(f);
	cr_assert_eq(fseek(f, 12 * 1024, SEEK_SET), 0);
	cr_assert_eq(fwrite(rubbish, 1, sizeof(rubbish), f), sizeof(rubbish));
	cr_assert_eq(fclose(f), 0);
	pl_doctor_integrity(&d, 60000);
	cr_expect(said(PL_WRONG, "damaged"));
	snprintf(config.database, sizeof(config.database), "%s",
	    tmpdir_path("nothing"));
	pl_doctor_integrity(&d, 60000);
	cr_expect(said(PL_WRONG, "cannot be opened"));
}

/* ---- files ---- */

Test(doctor, says_that_there_is_no_database)
{
	cr_expect(pl_doctor_files(&d));
	snprintf(config.database, sizeof(config.database), "%s",
	    tmpdir_path("nothing"));
	cr_expect(!pl_doctor_files(&d));
	cr_expect(said(PL_WRONG, "porchlight init"));
}

Test(doctor, finds_a_database_that_all_may_read)
{
	char beside[1200];

	cr_assert_eq(chmod(tmpdir(), 0755), 0);
	cr_expect(pl_doctor_files(&d));
	cr_expect(said(PL_FINE, "no other user"));
	cr_assert_eq(chmod(stage_path(), 0644), 0);
	cr_expect(pl_doctor_files(&d));
	cr_expect(said(PL_WRONG, "mode 644"));
	cr_assert_eq(chmod(tmpdir(), 0700), 0);
	cr_expect(pl_doctor_files(&d));
	cr_expect(said(PL_FINE, "no other user"), "its folder is closed");
	cr_assert_eq(chmod(stage_path(), 0600), 0);
	cr_assert_eq(chmod(tmpdir(), 0755), 0);
	snprintf(beside, sizeof(beside), "%s-wal", stage_path());
	cr_assert_eq(chmod(beside, 0604), 0);
	cr_expect(pl_doctor_files(&d));
	cr_expect(said(PL_WRONG, "-wal"));
}

Test(doctor, finds_a_file_that_belongs_to_somebody_else)
{
	char beside[1200];

	if (geteuid() != 0)
		cr_skip_test("giving files away is for root");
	snprintf(beside, sizeof(beside), "%s-wal", stage_path());
	cr_assert_eq(chown(beside, 33, 33), 0);
	cr_expect(pl_doctor_files(&d));
	cr_expect_eq(d.wrong, 0, "root may use it");
	cr_assert_eq(chown(beside, 0, 0), 0);
	cr_assert_eq(chown(stage_path(), 33, 33), 0);
	cr_expect(pl_doctor_files(&d));
	fflush(d.out);
	cr_expect_not_null(strstr(text, "FAIL  owner"), "%s", text);
	cr_expect_not_null(strstr(text, "-wal belongs to "), "%s", text);
}

Test(doctor, finds_a_folder_that_its_owner_may_not_write)
{
	int64_t clock = 0;

	pl_doctor_folder(&d, &clock);
	cr_expect(said(PL_FINE, "can be written"));
	cr_expect_gt(clock, T0, "the file system's time");
	if (geteuid() == 0) {
		/* Root may, and has to look for the owner. */
		cr_assert_eq(chown(stage_path(), 33, 33), 0);
		cr_assert_eq(chmod(tmpdir(), 0755), 0);
	} else
		cr_assert_eq(chmod(tmpdir(), 0500), 0);
	pl_doctor_folder(&d, &clock);
	cr_expect(said(PL_WRONG, "may not be written by"));
	cr_assert_eq(chmod(tmpdir(), 0700), 0);
}

Test(doctor, names_the_config)
{
	pl_doctor_config(&d);
	cr_expect(said(PL_FINE, "defaults"));
	tmpdir_write("porchlight.conf", "");
	pl_doctor_config(&d);
	cr_expect(said(PL_FINE, config.file));
}

Test(doctor, warns_of_a_network_file_system)
{
	pl_doctor_netfs(&d, NULL);
	cr_expect(said(PL_FINE, "disk"));
	pl_doctor_netfs(&d, "NFS");
	cr_expect(said(PL_WARN, "lies on NFS"));
}

static void
look_at_disk(uint64_t bytes, uint64_t inodes, uint64_t inodes_free)
{
	struct statvfs fs = {.f_frsize = 4096,
	    .f_bavail = (fsblkcnt_t)(bytes / 4096),
	    .f_files = (fsfilcnt_t)inodes,
	    .f_favail = (fsfilcnt_t)inodes_free};

	pl_doctor_disk(&d, &fs);
}

Test(doctor, finds_a_disk_without_room)
{
	look_at_disk(1024 * MIB, 1000, 900);
	cr_expect(said(PL_FINE, "1024 MiB"));
	look_at_disk(128 * MIB, 1000, 900);
	cr_expect(said(PL_FINE, "128 MiB"));
	look_at_disk(127 * MIB, 1000, 900);
	cr_expect(said(PL_WARN, "127 MiB"));
	look_at_disk(16 * MIB, 1000, 900);
	cr_expect(said(PL_WARN, "16 MiB"));
	look_at_disk(15 * MIB, 1000, 900);
	cr_expect(said(PL_WRONG, "15 MiB"));
	look_at_disk(1024 * MIB, 1000, 255);
	cr_expect(said(PL_WARN, "255 more files"));
	look_at_disk(1024 * MIB, 1000, 0);
	cr_expect(said(PL_WRONG, "0 more files"));
	look_at_disk(1024 * MIB, 0, 0);
	cr_expect(said(PL_FINE, "1024 MiB"), "btrfs counts none");
}

Test(doctor, finds_a_database_in_the_web_root)
{
	char link[500];

	pl_doctor_web_root(&d, page, false);
	cr_expect(said(PL_FINE, "not in"), "nothing is known yet");
	snprintf(events->document_root, sizeof(events->document_root),
	    "%s/other", tmpdir());
	pl_doctor_web_root(&d, page, false);
	cr_expect(said(PL_FINE, "not in"));
	/* A folder of a name that only begins the same. */
	cr_assert_eq(mkdir(tmpdir_path("porch"), 0700), 0);
	snprintf(events->document_root, sizeof(events->document_root), "%s",
	    tmpdir_path("porch"));
	pl_doctor_web_root(&d, page, false);
	cr_expect(said(PL_FINE, "not in"));
	/* By another name. */
	snprintf(link, sizeof(link), "%s", tmpdir_path("htdocs"));
	cr_assert_eq(symlink(tmpdir(), link), 0);
	snprintf(
	    events->document_root, sizeof(events->document_root), "%s", link);
	pl_doctor_web_root(&d, page, false);
	cr_expect(said(PL_WRONG, link));
	cr_expect_str_eq(d.exposed, "/porchlight.db");
	strcpy(events->document_root, "/");
	pl_doctor_web_root(&d, page, true);
	cr_expect_str_eq(d.exposed, stage_path());
	cr_assert_eq(mkdir(tmpdir_path("a b%"), 0700), 0);
	cr_assert_eq(rename(stage_path(), tmpdir_path("a b%/x.db")), 0);
	snprintf(config.database, sizeof(config.database), "%s",
	    tmpdir_path("a b%/x.db"));
	strcpy(events->document_root, link);
	pl_doctor_web_root(&d, page, true);
	cr_expect_str_eq(d.exposed, "/a%20b%25/x.db");
}

/* ---- the server ---- */

Test(doctor, says_which_server_serves_and_which_does_not_yet)
{
	serve(PL_MODE_NGINX);
	presence->at = 0;
	pl_doctor_server(&d, page);
	cr_expect(said(PL_FINE, "events.fcgi: httpd/1.0, nginx"));
	cr_expect_not_null(strstr(text, "warn  server"), "%s", text);
	cr_expect_not_null(strstr(text, "presence.fcgi has not"), "%s", text);
}

Test(doctor, finds_an_authorization_that_never_comes)
{
	serve(PL_MODE_FCGID);
	pl_doctor_authorization(&d, page);
	cr_expect(said(PL_FINE, "no agent"));
	events->bare = 1;
	pl_doctor_authorization(&d, page);
	cr_expect(said(PL_WARN, "CGIPassAuth"), "a probe, perhaps");
	events->bare = 2;
	presence->bare = 1;
	pl_doctor_authorization(&d, page);
	cr_expect(said(PL_WRONG, "FcgidPassHeader"));
	events->cookie_at = T0; /* those without were not signed in yet */
	pl_doctor_authorization(&d, page);
	cr_expect(said(PL_WARN, "--url"));
	presence->authorized_at = T0;
	pl_doctor_authorization(&d, page);
	cr_expect(said(PL_FINE, "hands it"));
}

/* Each server has a remedy of its own, and a mode that is none has one. */
Test(doctor, has_a_remedy_for_each_server)
{
	uint32_t mode;

	for (mode = 0; mode <= PL_MODE__MAX; mode++) {
		cr_expect_gt(strlen(pl_doctor_pass_on(mode)), 10);
		cr_expect_gt(strlen(pl_doctor_be_patient(mode)), 5);
	}
	cr_expect_str_eq(pl_doctor_be_patient(PL_MODE_FCGID), "FcgidIOTimeout");
	cr_expect_str_eq(
	    pl_doctor_be_patient(PL_MODE_NGINX), "fastcgi_read_timeout");
}

Test(doctor, warns_of_a_hold_beyond_the_servers_patience)
{
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_FINE, "not known"));
	serve(PL_MODE_FCGID);
	config.poll_timeout_ms = 38000;
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_FINE, "within"));
	config.poll_timeout_ms = 38001;
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_WARN, "FcgidIOTimeout"));
	serve(PL_MODE_NGINX);
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_FINE, "within"));
	config.poll_timeout_ms = 59000;
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_WARN, "fastcgi_read_timeout"));
	serve(PL_MODE_LIGHTTPD);
	pl_doctor_patience(&d, page);
	cr_expect(said(PL_FINE, "within"));
}

/* Where one process holds all polls, it is files that may lack. */
Test(doctor, finds_too_few_files_for_the_polls)
{
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_FINE, "not known"));
	serve(PL_MODE_NGINX);
	events->waiters = 300;
	events->files = 364;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_FINE, "300 polls"));
	events->files = 363;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_WRONG, "Set maxWaiters to 299"));
	cr_expect(said(PL_WRONG, "LimitNOFILE"));
	events->files = -1;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_FINE, "300 polls"));
	events->waiters = 385;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_WARN, "worker_connections"));
}

/* Where each poll is a process, it is processes. */
Test(doctor, finds_too_few_processes_for_the_polls)
{
	serve(PL_MODE_CGI);
	events->files = 20;
	events->processes = 26;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_FINE, "10 polls"));
	events->processes = 25;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_WRONG, "ulimit -u"));
	events->processes = -1;
	events->waiters = 31;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_WARN, "20 to 30"));
	serve(PL_MODE_FCGID);
	events->waiters = 81;
	pl_doctor_limits(&d, page);
	cr_expect(said(PL_WARN, "MaxProcesses"));
}

/* ---- the clock ---- */

Test(doctor, finds_a_clock_that_is_far_off)
{
	pl_doctor_clock(&d, T0 - 5000, T0 + 1000);
	cr_expect(said(PL_FINE, "UTC"));
	pl_doctor_clock(&d, 0, 0);
	cr_expect(said(PL_FINE, "UTC"), "nothing to compare it with");
	pl_doctor_clock(&d, T0 + 60000, T0);
	cr_expect(said(PL_FINE, "UTC"));
	pl_doctor_clock(&d, T0 + 60001, T0);
	cr_expect(said(PL_WRONG, "last written"));
	pl_doctor_clock(&d, T0, T0 - 6000);
	cr_expect(said(PL_WARN, "file system's clock"));
	pl_doctor_clock(&d, T0, T0 + 61000);
	cr_expect(said(PL_WRONG, "61 s away"));
	d.now = INT64_C(1735689599999);
	pl_doctor_clock(&d, 0, 0);
	cr_expect(said(PL_WRONG, "2024-12-31"));
	d.now = INT64_C(4102444800000);
	pl_doctor_clock(&d, 0, 0);
	cr_expect(said(PL_WRONG, "2100-01-01"));
}

/* ---- the company of its own ---- */

static int64_t
companies(void)
{
	struct pl_counts n;

	stage_read(T0);
	cr_assert_eq(stage->ops->counts(stage, &n), PL_OK);
	stage_commit();
	return n.companies * 100 + n.agents * 10 + n.conversations;
}

/* It leaves nothing, and takes away only what others like it left. */
Test(doctor, guest_is_gone_afterwards)
{
	struct pl_cmd_env env = {.store = stage};
	struct pl_guest guest = {.company = 0}, other = {.company = 0};
	const int64_t far = INT64_C(4000000000000);

	cr_expect_eq(pl_guest_remove(&env, &guest), PL_OK, "none was made");
	cr_assert_eq(pl_guest_make(&env, &guest), PL_OK);
	cr_assert_eq(pl_guest_make(&env, &other), PL_OK, "two at a time");
	cr_expect_eq(companies(), 424);
	cr_expect_eq(pl_guest_remove(&env, &guest), PL_OK);
	cr_expect_eq(guest.company, 0);
	cr_expect_eq(companies(), 312);
	pl_guest_sweep(&env, 0);
	cr_expect_eq(companies(), 312, "it may still be at work");
	pl_guest_sweep(&env, far);
	cr_expect_eq(companies(), 200, "acme and globex stay");
}
