/*
 * porchlight conversation: what the host application does over HTTP, by hand.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "conversation.h"
#include "text.h"

#define LIST_PRESET 100

/* The text that is given for an option; false: it is none, or too long. */
static bool
take_text(const char *s, size_t max, const char **out)
{
	*out = s;
	return s[0] != '\0' && strlen(s) <= max && pl_text_valid(s, strlen(s));
}

static bool
parse_add(
    struct pl_cmd_env *env, int argc, char *argv[], struct pl_conversation *c)
{
	bool good = true;
	int opt;

	while (good && (opt = getopt(argc, argv, "C:p:n:i:")) != -1) {
		if (opt == 'C')
			env->company = optarg;
		else if (opt == 'p')
			good = pl_platform_valid(c->platform = optarg);
		else if (opt == 'n')
			good = take_text(optarg, PL_NAME_MAX, &c->name);
		else if (opt == 'i')
			good = take_text(optarg, PL_ID_MAX, &c->inbox);
		else
			good = false;
	}
	if (!good || argc - optind > 1)
		return false;
	return argc == optind ||
	       take_text(argv[optind], PL_ID_MAX, &c->public_id);
}

static enum pl_err
run_add(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct pl_conversation c = {.platform = "WIDGET", .inbox = ""};
	char hex[PL_SESSION_HEX + 1];
	uint8_t session[PL_SESSION_LEN];
	enum pl_err err;
	bool created;

	if (!parse_add(env, argc, argv, &c))
		return PL_ERR_REQUEST;
	if ((err = pl_cmd_company_id(env, &c.company)) != PL_OK ||
	    (err = pl_secret_random(session, sizeof(session))) != PL_OK)
		return err;
	err = env->store->ops->conversation_add(
	    env->store, &c, session, &created);
	if (err != PL_OK)
		return err;
	pl_hex(session, sizeof(session), hex);
	printf("CONVERSATION_ID=%s\nSESSION_ID=%s\n", c.public_id, hex);
	if (!created)
		fputs(
		    "It was there: this is one more session of it.\n", stderr);
	return PL_OK;
}

static enum pl_err
print_row(void *arg, const struct pl_conversation_row *row)
{
	(void)arg;
	pl_cmd_print(row->company, 16);
	printf("  ");
	pl_cmd_print(row->public_id, 30);
	printf("  ");
	pl_cmd_print(row->platform, 10);
	printf("  ");
	pl_cmd_print(row->inbox[0] != '\0' ? row->inbox : NULL, 12);
	printf("  ");
	pl_cmd_print(row->name, 20);
	printf("  ");
	pl_cmd_print(row->online_since != 0 ? "online" : "offline", 0);
	putchar('\n');
	return PL_OK;
}

static enum pl_err
run_list(struct pl_cmd_env *env, int argc, char *argv[])
{
	int64_t company = 0, limit = LIST_PRESET;
	enum pl_err err;
	int opt;

	while ((opt = getopt(argc, argv, "C:l:")) != -1) {
		if (opt == 'C')
			env->company = optarg;
		else if (opt != 'l' ||
			 pl_parse_int(optarg, 1, 1000000, &limit) != PL_OK)
			return PL_ERR_REQUEST;
	}
	if (argc != optind)
		return PL_ERR_REQUEST;
	if (env->company != NULL &&
	    (err = pl_cmd_company_id(env, &company)) != PL_OK)
		return err;
	printf("%-16s  %-30s  %-10s  %-12s  %-20s  %s\n", "COMPANY",
	    "CONVERSATION", "PLATFORM", "INBOX", "CUSTOMER", "STATUS");
	return env->store->ops->conversation_list(
	    env->store, company, (size_t)limit, print_row, NULL);
}

const struct pl_cmd pl_cmd_conversation[] = {
    {"conversation", "add",
	"[-C COMPANY] [-p PLATFORM] [-n NAME] [-i INBOX] [ID]", PL_TXN_WRITE,
	run_add},
    {"conversation", "list", "[-C COMPANY] [-l LIMIT]", PL_TXN_READ, run_list},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
