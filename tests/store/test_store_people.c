/*
 * Companies, agents, sign-ins, origins, conversations: what every back end
 * must do.
 */
#include <stdio.h>
#include <string.h>

#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"

static struct pl_arena arena;

static void
open_all(void)
{
	stage_open();
	pl_arena_init(&arena);
}

static void
close_all(void)
{
	pl_arena_close(&arena);
	stage_close();
}

TestSuite(store_people, .init = open_all, .fini = close_all);

static const uint8_t *
hash(const char *token)
{
	static uint8_t out[PL_HASH_LEN];

	pl_secret_hash(token, out);
	return out;
}

static enum pl_err
add_agent(int64_t company, const char *name, const char *inboxes)
{
	struct pl_agent agent = {.name = name, .scope = {company, inboxes}};

	return stage->ops->agent_add(stage, &agent, hash(name));
}

/* ---- companies ---- */

/* Found by name, key and site key; by what is not so, not. */
Test(store_people, company_is_found_by_its_names)
{
	int64_t id = -1;

	stage_read(T0);
	cr_expect_eq(stage->ops->company_by_name(stage, "acme", &id), PL_OK);
	cr_expect_eq(id, acme);
	cr_expect_eq(
	    stage->ops->company_by_api_key(stage, hash("globex"), &id), PL_OK);
	cr_expect_eq(id, globex);
	cr_expect_eq(
	    stage->ops->company_by_site_key(stage, "acme", &id), PL_OK);
	cr_expect_eq(id, acme);
	id = -1;
	cr_expect_eq(
	    stage->ops->company_by_name(stage, "ACME", &id), PL_ERR_NOT_FOUND);
	cr_expect_eq(stage->ops->company_by_api_key(stage, hash("x"), &id),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(
	    stage->ops->company_by_site_key(stage, "", &id), PL_ERR_NOT_FOUND);
	cr_expect_eq(id, -1, "untouched");
	stage_commit();
}

/* No two of one name, key or site key; the turn goes on. */
Test(store_people, company_names_are_unique)
{
	uint8_t key[PL_HASH_LEN];
	int64_t id;

	memcpy(key, hash("new"), sizeof(key));
	stage_write(T0);
	cr_expect_eq(stage->ops->company_add(stage, "acme", key, "new", &id),
	    PL_ERR_EXISTS);
	cr_expect_eq(stage->ops->company_add(stage, "new", key, "acme", &id),
	    PL_ERR_EXISTS);
	cr_expect_eq(
	    stage->ops->company_add(stage, "new", hash("acme"), "new", &id),
	    PL_ERR_EXISTS);
	cr_expect_eq(
	    stage->ops->company_add(stage, "new", key, "new", &id), PL_OK);
	stage_commit();
}

static enum pl_err
on_company(void *arg, const struct pl_company_row *row)
{
	char *out = arg;

	sprintf(out + strlen(out), "%s,%s;", row->name, row->site_key);
	return PL_OK;
}

Test(store_people, companies_are_listed_by_name)
{
	char out[200] = "";

	stage_read(T0);
	cr_expect_eq(stage->ops->company_list(stage, on_company, out), PL_OK);
	stage_commit();
	cr_expect_str_eq(out, "acme,acme;globex,globex;");
}

static enum pl_err
remove_company(int64_t company, size_t most, bool *all)
{
	enum pl_err err;

	stage_write(T0);
	err = stage->ops->company_remove(stage, company, most, all);
	stage_commit();
	return err;
}

/* All that is its goes with it, and nothing of anybody else's. */
Test(store_people, removing_a_company_forgets_all_that_is_its)
{
	static struct stage_page page;
	struct pl_scope scope = {globex, NULL};
	struct pl_state state;
	struct pl_agent a;
	struct pl_counts n;
	int64_t id;
	bool all = false, yes;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_conversation(globex, "conv_1", 3);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_2", 2, 7, T0);
	stage_beat("conv_1", 3, 7, T0);
	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_assert_eq(add_agent(globex, "bert", NULL), PL_OK);
	cr_assert_eq(
	    stage->ops->origin_add(stage, acme, "https://a.example"), PL_OK);
	cr_assert_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a), PL_OK);
	cr_assert_eq(
	    stage->ops->login_add(stage, a.id, hash("cookie"), T0 + 1000),
	    PL_OK);
	stage_commit();
	cr_expect_eq(remove_company(acme, 100, &all), PL_OK);
	cr_expect(all);
	stage_read(T0);
	cr_expect_eq(
	    stage->ops->company_by_name(stage, "acme", &id), PL_ERR_NOT_FOUND);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(
	    stage->ops->agent_by_login(stage, hash("cookie"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(
	    stage->ops->origin_allowed(stage, 0, "https://a.example", &yes),
	    PL_OK);
	cr_expect(!yes);
	cr_expect_eq(stage->ops->counts(stage, &n), PL_OK);
	stage_commit();
	cr_expect_eq(n.companies, 1);
	cr_expect_eq(n.agents, 1);
	cr_expect_eq(n.conversations, 1);
	cr_expect_eq(n.tabs, 1);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 1);
	cr_expect_eq(stage_presence(&scope, "conv_1", T0, &state), PL_OK);
	cr_expect_eq(state.status, PL_ONLINE);
}

/* In portions: its agents are gone with the first, it with the last. */
Test(store_people, a_large_company_is_removed_in_portions)
{
	struct pl_agent a;
	struct pl_counts n;
	int64_t id;
	bool all = true;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_conversation(acme, "conv_3", 3);
	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	stage_commit();
	cr_expect_eq(remove_company(acme, 2, &all), PL_OK);
	cr_expect(!all);
	stage_read(T0);
	cr_expect_eq(stage->ops->counts(stage, &n), PL_OK);
	cr_expect_eq(n.conversations, 1);
	cr_expect_eq(n.agents, 0);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(stage->ops->company_by_name(stage, "acme", &id), PL_OK);
	stage_commit();
	cr_expect_eq(remove_company(acme, 2, &all), PL_OK);
	cr_expect(all);
	stage_read(T0);
	cr_expect_eq(
	    stage->ops->company_by_name(stage, "acme", &id), PL_ERR_NOT_FOUND);
	stage_commit();
}

/* ---- agents ---- */

/* The token finds the agent with his scope, until he is revoked. */
Test(store_people, token_finds_the_agent_until_revoked)
{
	struct pl_agent a = {0};

	stage_write(T0);
	cr_expect_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_expect_eq(add_agent(acme, "bert", "[\"sales\"]"), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a), PL_OK);
	cr_expect_str_eq(a.name, "anna");
	cr_expect_eq(a.scope.company, acme);
	cr_expect_null(a.scope.inboxes);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("bert"), &arena, &a), PL_OK);
	cr_expect_str_eq(a.scope.inboxes, "[\"sales\"]");
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("nobody"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(stage->ops->agent_revoke(stage, globex, "bert"),
	    PL_ERR_NOT_FOUND, "another company's");
	cr_expect_eq(stage->ops->agent_revoke(stage, acme, "bert"), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("bert"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(stage->ops->agent_revoke(stage, acme, "bert"),
	    PL_ERR_NOT_FOUND, "no longer there");
	stage_commit();
}

/* A name is free again once its agent is revoked; his token is not. */
Test(store_people, agent_name_is_free_after_revoking)
{
	struct pl_agent again = {.name = "anna", .scope = {acme, NULL}}, a;

	stage_write(T0);
	cr_expect_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_add(stage, &again, hash("t2")), PL_ERR_EXISTS);
	cr_expect_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(stage->ops->agent_add(stage, &again, hash("t2")), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a),
	    PL_ERR_NOT_FOUND, "the old token stays worth nothing");
	stage_commit();
}

/* Inboxes that are no JSON are an error, never "all". */
Test(store_people, inboxes_that_are_no_json_open_nothing)
{
	struct pl_scope broken = {acme, "sales"};
	struct pl_state st = {0};

	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	stage_beat("conv_1", 1, 7, T0);
	cr_expect_neq(stage_presence(&broken, "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 0);
}

static enum pl_err
on_agent(void *arg, const struct pl_agent_row *row)
{
	char *out = arg;

	sprintf(out + strlen(out), "%s/%s/%s/%d;", row->company, row->name,
	    row->inboxes != NULL ? row->inboxes : "-", row->revoked_at != 0);
	return PL_OK;
}

Test(store_people, agents_are_listed_with_their_state)
{
	char out[400] = "";

	stage_write(T0);
	cr_expect_eq(add_agent(globex, "carl", NULL), PL_OK);
	cr_expect_eq(add_agent(acme, "bert", "[\"a\"]"), PL_OK);
	cr_expect_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_expect_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(stage->ops->agent_list(stage, 0, on_agent, out), PL_OK);
	cr_expect_str_eq(
	    out, "acme/anna/-/1;acme/bert/[\"a\"]/0;globex/carl/-/0;");
	out[0] = '\0';
	cr_expect_eq(
	    stage->ops->agent_list(stage, globex, on_agent, out), PL_OK);
	cr_expect_str_eq(out, "globex/carl/-/0;");
	stage_commit();
}

/* ---- sign-ins ---- */

/* A sign-in is good until it expires, is removed, or its agent revoked. */
Test(store_people, login_is_good_for_its_time)
{
	struct pl_agent a;
	int64_t id;

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", "[\"x\"]"), PL_OK);
	cr_assert_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a), PL_OK);
	id = a.id;
	cr_assert_eq(
	    stage->ops->login_add(stage, id, hash("s1"), T0 + 1000), PL_OK);
	cr_assert_eq(
	    stage->ops->login_add(stage, id, hash("s2"), T0 + 9000), PL_OK);
	stage_commit();

	stage_read(T0 + 999);
	cr_expect_eq(
	    stage->ops->agent_by_login(stage, hash("s1"), &arena, &a), PL_OK);
	cr_expect_eq(a.id, id);
	cr_expect_str_eq(a.scope.inboxes, "[\"x\"]");
	stage_commit();
	stage_read(T0 + 1000);
	cr_expect_eq(stage->ops->agent_by_login(stage, hash("s1"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(
	    stage->ops->agent_by_login(stage, hash("s2"), &arena, &a), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_by_login(stage, hash("anna"), &arena, &a),
	    PL_ERR_NOT_FOUND, "a token is no cookie");
	cr_expect_eq(stage->ops->agent_by_token(stage, hash("s2"), &arena, &a),
	    PL_ERR_NOT_FOUND, "a cookie is no token");
	stage_commit();

	stage_write(T0 + 1000);
	cr_assert_eq(stage->ops->login_remove(stage, hash("s2")), PL_OK);
	cr_assert_eq(stage->ops->login_remove(stage, hash("s2")), PL_OK);
	cr_expect_eq(stage->ops->agent_by_login(stage, hash("s2"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_assert_eq(
	    stage->ops->login_add(stage, id, hash("s3"), T0 + 9000), PL_OK);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(stage->ops->agent_by_login(stage, hash("s3"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	stage_commit();
}

/* Without memory for the inboxes there is no agent, not one who sees all. */
Test(store_people, agent_whose_inboxes_do_not_fit_is_none)
{
	struct pl_agent a = {.id = -1};

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", "[\"sales\"]"), PL_OK);
	arena.failed = true;
	cr_expect_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a),
	    PL_ERR_NOMEM);
	cr_expect_eq(a.id, -1);
	stage_commit();
}

/* ---- origins ---- */

Test(store_people, origins_are_a_companys_own)
{
	bool yes = false;

	stage_write(T0);
	cr_expect_eq(
	    stage->ops->origin_add(stage, acme, "https://a.example"), PL_OK);
	cr_expect_eq(stage->ops->origin_add(stage, acme, "https://a.example"),
	    PL_ERR_EXISTS);
	cr_expect_eq(stage->ops->origin_add(stage, globex, "https://a.example"),
	    PL_OK, "two companies may share one");
	cr_expect_eq(
	    stage->ops->origin_add(stage, globex, "https://g.example"), PL_OK);
	cr_expect_eq(
	    stage->ops->origin_allowed(stage, acme, "https://a.example", &yes),
	    PL_OK);
	cr_expect(yes);
	cr_expect_eq(
	    stage->ops->origin_allowed(stage, acme, "https://g.example", &yes),
	    PL_OK);
	cr_expect(!yes);
	cr_expect_eq(
	    stage->ops->origin_allowed(stage, 0, "https://g.example", &yes),
	    PL_OK);
	cr_expect(yes, "0 is anybody");
	cr_expect_eq(stage->ops->origin_allowed(stage, 0, "null", &yes), PL_OK);
	cr_expect(!yes);
	stage_commit();
}

/* ---- conversations ---- */

/* A second call with the same id is one more session, not another one. */
Test(store_people, conversation_is_made_once)
{
	struct pl_conversation c = {.company = acme,
	    .public_id = "conv_1",
	    .platform = "WIDGET",
	    .inbox = "",
	    .name = "John Doe",
	    .email = "j@example.com"};
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r;
	bool created = false;

	stage_write(T0);
	cr_expect_eq(
	    stage->ops->conversation_add(stage, &c, stage_secret(1), &created),
	    PL_OK);
	cr_expect(created);
	cr_expect_eq(
	    stage->ops->conversation_add(stage, &c, stage_secret(2), &created),
	    PL_OK);
	cr_expect(!created);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(2), &beat, &r),
	    PL_OK);
	stage_commit();
}

/* A secret belongs to one session. */
Test(store_people, session_secret_is_unique)
{
	struct pl_conversation c = {.company = acme,
	    .public_id = "conv_1",
	    .platform = "WIDGET",
	    .inbox = ""};
	bool created;

	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->conversation_add(stage, &c, stage_secret(1), &created),
	    PL_ERR_EXISTS);
	stage->ops->rollback(stage);
}

/* Secrets are compared whole: two that begin alike are two sessions. */
Test(store_people, sessions_that_begin_alike_are_two)
{
	struct pl_scope scope = {globex, NULL};
	struct pl_conversation c = {.company = globex,
	    .public_id = "conv_2",
	    .platform = "WIDGET",
	    .inbox = ""};
	struct pl_beat beat = {.tab = 7, .seq = -1};
	uint8_t one[PL_SESSION_LEN], two[PL_SESSION_LEN];
	struct pl_beat_result r;
	struct pl_state st;
	const char *id;
	bool created;

	memcpy(one, stage_secret(1), sizeof(one));
	memcpy(two, one, sizeof(two));
	two[PL_SESSION_LEN - 1] ^= 1;
	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->conversation_add(stage, &c, two, &created), PL_OK);
	cr_expect_eq(stage->ops->beat(stage, "conv_1", two, &beat, &r),
	    PL_ERR_FORBIDDEN);
	cr_expect_eq(stage->ops->beat(stage, "conv_2", one, &beat, &r),
	    PL_ERR_FORBIDDEN);
	cr_expect_eq(stage->ops->beat(stage, "conv_1", one, &beat, &r), PL_OK);
	cr_expect_eq(r.company, acme);
	cr_expect_eq(stage->ops->beat(stage, "conv_2", two, &beat, &r), PL_OK);
	cr_expect_eq(r.company, globex);
	cr_expect_eq(
	    stage->ops->session_find(stage, globex, two, &arena, &id), PL_OK);
	cr_expect_str_eq(id, "conv_2");
	cr_expect_eq(
	    stage->ops->session_remove(stage, acme, "conv_1", one), PL_OK);
	cr_expect_eq(stage->ops->beat(stage, "conv_1", one, &beat, &r),
	    PL_ERR_FORBIDDEN);
	stage_commit();
	cr_expect_eq(stage_presence(&scope, "conv_2", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1, "the other is there as before");
}

static enum pl_err
on_conversation(void *arg, const struct pl_conversation_row *row)
{
	char *out = arg;

	sprintf(out + strlen(out), "%s/%s/%s/%s/%d;", row->company,
	    row->public_id, row->platform, row->inbox, row->online_since != 0);
	return PL_OK;
}

Test(store_people, conversations_are_listed_newest_first)
{
	char out[400] = "";

	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	stage_conversation_as(globex, "conv_2", 2, "FACEBOOK", "");
	stage_conversation(acme, "conv_3", 3);
	stage_beat("conv_1", 1, 7, T0);
	stage_read(T0);
	cr_expect_eq(
	    stage->ops->conversation_list(stage, 0, 2, on_conversation, out),
	    PL_OK);
	cr_expect_str_eq(
	    out, "acme/conv_3/WIDGET//0;globex/conv_2/FACEBOOK//0;");
	out[0] = '\0';
	cr_expect_eq(stage->ops->conversation_list(
			 stage, acme, 10, on_conversation, out),
	    PL_OK);
	cr_expect_str_eq(
	    out, "acme/conv_3/WIDGET//0;acme/conv_1/WIDGET/sales/1;");
	stage_commit();
}

Test(store_people, counts_what_is_there)
{
	struct pl_counts n;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_1", 1, 8, T0);
	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_assert_eq(add_agent(acme, "bert", NULL), PL_OK);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "bert"), PL_OK);
	cr_assert_eq(stage->ops->counts(stage, &n), PL_OK);
	stage_commit();
	cr_expect_eq(n.companies, 2);
	cr_expect_eq(n.agents, 1);
	cr_expect_eq(n.conversations, 2);
	cr_expect_eq(n.online, 1);
	cr_expect_eq(n.tabs, 2);
	cr_expect_eq(n.changes, 1);
}

/* ---- keys ---- */

static enum pl_err
on_key(void *arg, const struct pl_key_row *row)
{
	char *out = arg;

	snprintf(out + strlen(out), 200, "%lld %s %lld;", (long long)row->id,
	    row->secret, (long long)row->created_at);
	return PL_OK;
}

#define KEY "plj_0123456789abcdef0123456789abcde"

/* The newest first; a number is never given twice. */
Test(store_people, keys_are_a_companys_own)
{
	char text[600] = "", expected[600];
	int64_t one, two, three;

	stage_write(T0);
	cr_assert_eq(stage->ops->key_add(stage, acme, KEY "1", &one), PL_OK);
	cr_assert_eq(stage->ops->key_add(stage, acme, KEY "2", &two), PL_OK);
	cr_expect_eq(
	    stage->ops->key_add(stage, globex, KEY "2", &three), PL_ERR_EXISTS);
	cr_assert_eq(stage->ops->key_list(stage, acme, on_key, text), PL_OK);
	snprintf(expected, sizeof(expected),
	    "%lld " KEY "2 %lld;%lld " KEY "1 %lld;", (long long)two,
	    (long long)T0, (long long)one, (long long)T0);
	cr_expect_str_eq(text, expected);
	text[0] = '\0';
	cr_assert_eq(stage->ops->key_list(stage, globex, on_key, text), PL_OK);
	cr_expect_str_eq(text, "");
	cr_expect_eq(
	    stage->ops->key_remove(stage, globex, two), PL_ERR_NOT_FOUND);
	cr_expect_eq(stage->ops->key_remove(stage, acme, two), PL_OK);
	cr_expect_eq(
	    stage->ops->key_remove(stage, acme, two), PL_ERR_NOT_FOUND);
	cr_assert_eq(stage->ops->key_add(stage, acme, KEY "3", &three), PL_OK);
	cr_expect_gt(three, two);
	stage_commit();
}

/* ---- rights ---- */

static int64_t
rights(void)
{
	return stage_position(T0).rights;
}

/* Every end of a right is seen in the number, and nothing that is no end. */
Test(store_people, number_of_rights_tells_each_end)
{
	int64_t key, before, id;

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_assert_eq(stage->ops->key_add(stage, acme, KEY "1", &key), PL_OK);
	stage_commit();
	before = rights();
	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_write(T0);
	cr_assert_eq(stage->ops->company_by_name(stage, "acme", &id), PL_OK);
	cr_assert_eq(
	    stage->ops->login_add(stage, 1, hash("s"), T0 + 1000), PL_OK);
	stage_commit();
	cr_expect_eq(rights(), before);

	stage_write(T0);
	cr_assert_eq(stage->ops->login_remove(stage, hash("s")), PL_OK);
	stage_commit();
	cr_expect_gt(rights(), before, "a session has ended");
	before = rights();
	stage_write(T0);
	cr_assert_eq(stage->ops->key_remove(stage, acme, key), PL_OK);
	stage_commit();
	cr_expect_gt(rights(), before, "a key was removed");
	before = rights();
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->agent_inboxes(stage, acme, "anna", "[]"), PL_OK);
	stage_commit();
	cr_expect_gt(rights(), before, "sees less");
	before = rights();
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	stage_commit();
	cr_expect_gt(rights(), before, "revoked");
}

/* The bell rings for what held polls must hear of. */
Test(store_people, end_of_a_right_is_a_change_to_be_told)
{
	bool changed = false;

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	stage_commit();
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(changed);
	stage_write(T0);
	cr_assert_eq(stage->ops->login_remove(stage, hash("s")), PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(changed);
}

/* ---- agents by name ---- */

Test(store_people, name_finds_the_agent_or_that_he_is_gone)
{
	struct pl_agent a;

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", "[\"sales\"]"), PL_OK);
	cr_expect_eq(
	    stage->ops->agent_by_name(stage, globex, "anna", &arena, &a),
	    PL_ERR_NOT_FOUND);
	cr_assert_eq(
	    stage->ops->agent_by_name(stage, acme, "anna", &arena, &a), PL_OK);
	cr_expect_str_eq(a.scope.inboxes, "[\"sales\"]");
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(stage->ops->agent_by_name(stage, acme, "anna", &arena, &a),
	    PL_ERR_FORBIDDEN);
	cr_assert_eq(stage->ops->agent_inboxes(stage, acme, "anna", NULL),
	    PL_ERR_NOT_FOUND);
	stage_commit();
	stage_write(T0);
	{
		struct pl_agent again = {.name = "anna", .scope = {acme, NULL}};

		cr_assert_eq(
		    stage->ops->agent_add(stage, &again, hash("new")), PL_OK);
	}
	cr_assert_eq(
	    stage->ops->agent_by_name(stage, acme, "anna", &arena, &a), PL_OK);
	cr_expect_null(a.scope.inboxes);
	stage_commit();
}

/* ---- what is kept for a time ---- */

static bool
is_there(const char *id)
{
	struct pl_scope scope = {acme, NULL};
	struct pl_state state;

	return stage_presence(&scope, id, T0, &state) == PL_OK;
}

/* A write, as any beat is one; what is kept for a time goes beside it. */
static void
write_at(int64_t now)
{
	stage_write(now);
	cr_assert_eq(stage->ops->check(stage), PL_OK);
	stage_commit();
}

#define KEEP INT64_C(7776000000)

Test(store_people, conversations_nobody_comes_to_are_forgotten)
{
	pl_sqlite_set_retention(stage, KEEP);
	stage_conversation(acme, "silent", 1);
	stage_conversation(acme, "left", 2);
	stage_conversation(acme, "here", 3);
	stage_conversation_as(acme, "elsewhere", 4, "FACEBOOK", "");
	stage_beat("left", 2, 7, T0 + 5000);
	write_at(T0 + KEEP);
	cr_expect(is_there("silent"), "to the last moment");
	stage_settle(T0 + KEEP);
	stage_beat("here", 3, 7, T0 + KEEP);
	write_at(T0 + KEEP + 2000);
	cr_expect_not(is_there("silent"));
	cr_expect(is_there("left"), "was here later");
	write_at(T0 + KEEP + 7000);
	write_at(T0 + KEEP + 8000);
	cr_expect_not(is_there("left"));
	write_at(T0 + KEEP + 9000);
	write_at(T0 + KEEP + 10000);
	cr_expect(is_there("here"));
	cr_expect(is_there("elsewhere"), "has no presence to go by");
}

Test(store_people, conversations_stay_for_ever_if_so_told)
{
	stage_conversation(acme, "silent", 1);
	write_at(T0 + 10 * KEEP);
	write_at(T0 + 10 * KEEP + 2000);
	cr_expect(is_there("silent"));
}

/* A few at a time, round and round, whoever writes. */
Test(store_people, all_conversations_have_their_turn)
{
	struct pl_counts counts;
	char id[24];
	int i;

	for (i = 0; i < 350; i++) {
		snprintf(id, sizeof(id), "conv_%d", i);
		stage_conversation(acme, id, (unsigned int)i);
	}
	pl_sqlite_set_retention(stage, 1000);
	for (i = 0; i < 5; i++)
		write_at(T0 + 5000 + i * 1000);
	stage_read(T0 + 20000);
	cr_assert_eq(stage->ops->counts(stage, &counts), PL_OK);
	stage_commit();
	cr_expect_eq(
	    counts.conversations, 0, "%lld", (long long)counts.conversations);
	stage_conversation(acme, "later", 999);
	write_at(T0 + 30000);
	write_at(T0 + 31000);
	cr_expect_not(is_there("later"), "and begins anew");
}

static int64_t
online(size_t most, int64_t now)
{
	int64_t n = -1;

	stage_read(now);
	cr_assert_eq(stage->ops->online_count(stage, most, &n), PL_OK);
	stage_commit();
	return n;
}

/* Those that somebody is in, of all companies, as far as they are counted. */
Test(store_people, conversations_online_are_counted)
{
	char id[24];
	unsigned int i;

	cr_expect_eq(online(10, T0), 0);
	for (i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "conv_%u", i);
		stage_conversation(i % 2 == 0 ? acme : globex, id, i);
		if (i > 0)
			stage_beat(id, i, 7, T0 + i);
	}
	cr_expect_eq(online(10, T0 + 5), 4);
	cr_expect_eq(online(3, T0 + 5), 3);
	stage_settle(T0 + 2 + stage_rules.timeout_ms);
	cr_expect_eq(online(10, T0 + 2 + stage_rules.timeout_ms), 2);
}

Test(store_people, session_is_removed_alone)
{
	const char *id = NULL;
	struct pl_scope scope = {acme, NULL};
	struct pl_state state;
	static struct stage_page page;
	int64_t before;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_1", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_1", 2, 8, T0);
	before = stage_position(T0).seq;
	stage_write(T0 + 1000);
	cr_expect_eq(stage->ops->session_find(
			 stage, globex, stage_secret(1), &arena, &id),
	    PL_ERR_FORBIDDEN);
	cr_expect_eq(
	    stage->ops->session_find(stage, acme, stage_secret(9), &arena, &id),
	    PL_ERR_FORBIDDEN);
	cr_assert_eq(
	    stage->ops->session_find(stage, acme, stage_secret(1), &arena, &id),
	    PL_OK);
	cr_expect_str_eq(id, "conv_1");
	cr_expect_eq(
	    stage->ops->session_remove(stage, globex, id, stage_secret(1)),
	    PL_ERR_FORBIDDEN);
	cr_expect_eq(
	    stage->ops->session_remove(stage, acme, id, stage_secret(9)),
	    PL_ERR_FORBIDDEN);
	cr_assert_eq(
	    stage->ops->session_remove(stage, acme, id, stage_secret(1)),
	    PL_OK);
	stage_commit();
	cr_assert_eq(
	    stage_presence(&scope, "conv_1", T0 + 1000, &state), PL_OK);
	cr_expect_eq(state.devices, 1);
	cr_expect_eq(state.connections, 1);
	stage_changes(before, T0 + 1000, &page);
	cr_assert_eq(page.n, 1, "who watches sees it go");
	cr_expect_eq(page.events[0].e.kind, PL_EVENT_OFFLINE);
	cr_expect_eq(page.events[0].e.connections, 1);
	stage_write(T0 + 2000);
	cr_expect_eq(
	    stage->ops->session_remove(stage, acme, id, stage_secret(1)),
	    PL_ERR_FORBIDDEN);
	stage_commit();
}

/* Who has not read so far must not believe that he has seen it all. */
Test(store_people, forgotten_changes_make_old_cursors_start_anew)
{
	struct pl_position before, after;
	char cursor[PL_CURSOR_LEN];
	static struct stage_page page;
	int64_t seq;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	before = stage_position(T0);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_2", 2, 7, T0);
	stage_write(T0 + 1000);
	cr_assert_eq(
	    stage->ops->changes_forget(stage, globex, "conv_1", NULL), PL_OK);
	cr_assert_eq(
	    stage->ops->changes_forget(stage, acme, "conv_1", stage_secret(2)),
	    PL_OK);
	stage_commit();
	stage_changes(before.seq, T0 + 1000, &page);
	cr_assert_eq(page.n, 2, "these were not his");
	stage_write(T0 + 1000);
	cr_assert_eq(
	    stage->ops->changes_forget(stage, acme, "conv_1", stage_secret(1)),
	    PL_OK);
	stage_commit();
	stage_changes(before.seq, T0 + 1000, &page);
	cr_assert_eq(page.n, 1);
	cr_expect_str_eq(page.events[0].id, "conv_2");
	after = stage_position(T0 + 1000);
	pl_cursor_format(&after, before.seq, cursor);
	cr_expect_eq(pl_cursor_parse(&after, cursor, &seq), PL_ERR_NOT_FOUND);
	pl_cursor_format(&after, after.seq, cursor);
	cr_expect_eq(pl_cursor_parse(&after, cursor, &seq), PL_OK);
}

Test(store_people, ended_sessions_of_agents_are_not_kept)
{
	struct pl_agent a;

	stage_write(T0);
	cr_assert_eq(add_agent(acme, "anna", NULL), PL_OK);
	cr_assert_eq(
	    stage->ops->agent_by_token(stage, hash("anna"), &arena, &a), PL_OK);
	cr_assert_eq(
	    stage->ops->login_add(stage, a.id, hash("s"), T0 + 1000), PL_OK);
	stage_commit();
	write_at(T0 + 5000);
	/* A clock that went back would find it again, were it there. */
	stage_read(T0);
	cr_expect_eq(stage->ops->agent_by_login(stage, hash("s"), &arena, &a),
	    PL_ERR_NOT_FOUND);
	stage_commit();
}

/* Plain CGI: each request opens the store, and it is cleared all the same. */
Test(store_people, brief_stores_clear_up_now_and_then)
{
	struct pl_store *kept = stage;
	int i;

	stage_conversation(acme, "silent", 1);
	for (i = 0; i < 130; i++) {
		stage = stage_again(T0 + 5000);
		pl_sqlite_set_brief(stage);
		pl_sqlite_set_retention(stage, 1000);
		write_at(T0 + 5000);
		stage->ops->close(stage);
	}
	stage = kept;
	cr_expect_not(is_there("silent"));
}
