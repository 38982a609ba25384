/*
 * porchlight agent: who may look. A token is shown once and kept as a hash;
 * revoked, it is worth nothing from the next request on.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "conversation.h"
#include "text.h"

static enum pl_err
add_agent(struct pl_cmd_env *env, struct pl_agent *agent)
{
	char token[PL_TOKEN_LEN + 1];
	uint8_t hash[PL_HASH_LEN];
	enum pl_err err;

	if ((err = pl_cmd_company_id(env, &agent->scope.company)) != PL_OK ||
	    (err = pl_secret_token("pla_", token)) != PL_OK)
		return err;
	pl_secret_hash(token, hash);
	err = env->store->ops->agent_add(env->store, agent, hash);
	if (err == PL_ERR_EXISTS)
		return pl_cmd_say(err, "there is an agent \"%s\"", agent->name);
	if (err != PL_OK)
		return err;
	printf("AGENT_TOKEN=%s\n", token);
	fputs("Keep the token: it is not shown again.\n", stderr);
	return PL_OK;
}

/* Options and name; the inboxes go into a JSON array. */
static enum pl_err
parse_add(struct pl_cmd_env *env, int argc, char *argv[],
    struct json_object **inboxes, const char **name)
{
	int opt;

	while ((opt = getopt(argc, argv, "C:i:")) != -1) {
		if (opt == 'C')
			env->company = optarg;
		else if (opt == 'i' && strlen(optarg) <= PL_ID_MAX &&
			 pl_text_valid(optarg, strlen(optarg))) {
			if (*inboxes == NULL)
				*inboxes = json_object_new_array();
			json_object_array_add(
			    *inboxes, json_object_new_string(optarg));
		} else
			return PL_ERR_REQUEST;
	}
	if (argc - optind != 1 || argv[optind][0] == '\0' ||
	    !pl_text_valid(argv[optind], strlen(argv[optind])))
		return PL_ERR_REQUEST;
	*name = argv[optind];
	return PL_OK;
}

static enum pl_err
run_add(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct json_object *inboxes = NULL;
	struct pl_agent agent = {0};
	enum pl_err err;

	err = parse_add(env, argc, argv, &inboxes, &agent.name);
	if (err == PL_OK && inboxes != NULL)
		agent.scope.inboxes = json_object_to_json_string_ext(
		    inboxes, JSON_C_TO_STRING_PLAIN);
	if (err == PL_OK)
		err = add_agent(env, &agent);
	json_object_put(inboxes);
	return err;
}

/* From the next request on he sees these, and no others; none given: all. */
static enum pl_err
run_inboxes(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct json_object *inboxes = NULL;
	const char *name = NULL, *json = NULL;
	int64_t company;
	enum pl_err err;

	err = parse_add(env, argc, argv, &inboxes, &name);
	if (err == PL_OK)
		err = pl_cmd_company_id(env, &company);
	if (err == PL_OK && inboxes != NULL)
		json = json_object_to_json_string_ext(
		    inboxes, JSON_C_TO_STRING_PLAIN);
	if (err == PL_OK) {
		err = env->store->ops->agent_inboxes(
		    env->store, company, name, json);
		if (err == PL_ERR_NOT_FOUND)
			pl_cmd_say(err, "there is no agent \"%s\"", name);
	}
	json_object_put(inboxes);
	return err;
}

static enum pl_err
print_row(void *arg, const struct pl_agent_row *row)
{
	(void)arg;
	pl_cmd_print(row->company, 24);
	printf("  ");
	pl_cmd_print(row->name, 24);
	printf("  ");
	pl_cmd_print(row->inboxes != NULL ? row->inboxes : "all", 20);
	printf("  ");
	pl_cmd_print_time(row->created_at, 19);
	printf("  ");
	pl_cmd_print_time(row->revoked_at, 0);
	putchar('\n');
	return PL_OK;
}

static enum pl_err
run_list(struct pl_cmd_env *env, int argc, char *argv[])
{
	int64_t company = 0;
	enum pl_err err;
	int opt;

	while ((opt = getopt(argc, argv, "C:")) != -1) {
		if (opt != 'C')
			return PL_ERR_REQUEST;
		env->company = optarg;
	}
	if (argc != optind)
		return PL_ERR_REQUEST;
	if (env->company != NULL &&
	    (err = pl_cmd_company_id(env, &company)) != PL_OK)
		return err;
	printf("%-24s  %-24s  %-20s  %-19s  %s\n", "COMPANY", "AGENT",
	    "INBOXES", "SINCE (UTC)", "REVOKED");
	return env->store->ops->agent_list(
	    env->store, company, print_row, NULL);
}

static enum pl_err
run_revoke(struct pl_cmd_env *env, int argc, char *argv[])
{
	const char *name;
	int64_t company;
	enum pl_err err;
	int opt;

	while ((opt = getopt(argc, argv, "C:")) != -1) {
		if (opt != 'C')
			return PL_ERR_REQUEST;
		env->company = optarg;
	}
	if (argc - optind != 1)
		return PL_ERR_REQUEST;
	name = argv[optind];
	if ((err = pl_cmd_company_id(env, &company)) != PL_OK)
		return err;
	err = env->store->ops->agent_revoke(env->store, company, name);
	if (err == PL_ERR_NOT_FOUND)
		return pl_cmd_say(err, "there is no agent \"%s\"", name);
	return err;
}

const struct pl_cmd pl_cmd_agent[] = {
    {"agent", "add", "[-C COMPANY] [-i INBOX]... NAME", PL_TXN_WRITE, run_add},
    {"agent", "inboxes", "[-C COMPANY] [-i INBOX]... NAME", PL_TXN_WRITE,
	run_inboxes},
    {"agent", "list", "[-C COMPANY]", PL_TXN_READ, run_list},
    {"agent", "revoke", "[-C COMPANY] NAME", PL_TXN_WRITE, run_revoke},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
