/*
 * What an agent asks with. A query that is read is clean text within its
 * bounds, each id once; written down again, it is read as the same.
 */
#include "fuzz.h"
#include "query.h"
#include "text.h"

#define VALUE_MAX 128

static void
add_encoded(struct pl_buf *uri, const char *name, const char *value)
{
	if (value == NULL)
		return;
	pl_buf_printf(uri, "&%s=", name);
	for (; *value != '\0'; value++)
		pl_buf_printf(uri, "%%%02x", (unsigned char)*value);
}

static enum pl_err
read_uri(struct pl_call *call, struct pl_query *q, const char *uri)
{
	memset(call, 0, sizeof(*call));
	pl_request_init(&call->req);
	pl_request_set(&call->req, "REQUEST_URI", uri);
	return pl_query_read(call, q);
}

static void
check_value(const char *value)
{
	HOLDS(value == NULL || strlen(value) <= VALUE_MAX);
	HOLDS(value == NULL || pl_text_valid(value, strlen(value)));
}

static void
check_query(const struct pl_query *q)
{
	size_t i, k;

	HOLDS(q->nids <= q->given && q->given <= PL_IDS_MAX);
	for (i = 0; i < q->nids; i++) {
		check_value(q->ids[i]);
		HOLDS(q->ids[i][0] != '\0');
		for (k = 0; k < i; k++)
			HOLDS(strcmp(q->ids[i], q->ids[k]) != 0);
	}
	check_value(q->limit);
	check_value(q->after);
	check_value(q->cursor);
	check_value(q->timeout);
	check_value(q->client);
	check_value(q->heartbeats);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_again(const struct pl_query *q)
{
	struct pl_buf uri = PL_BUF_EMPTY;
	struct pl_query again;
	struct pl_call call;
	size_t i;

	pl_buf_puts(&uri, "/api/widget/presence?");
	for (i = 0; i < q->nids; i++)
		add_encoded(&uri, "conversationId", q->ids[i]);
	add_encoded(&uri, "limit", q->limit);
	add_encoded(&uri, "after", q->after);
	add_encoded(&uri, "cursor", q->cursor);
	add_encoded(&uri, "timeout", q->timeout);
	add_encoded(&uri, "client", q->client);
	add_encoded(&uri, "heartbeats", q->heartbeats);
	pl_buf_add(&uri, "", 1);
	HOLDS(read_uri(&call, &again, uri.data) == PL_OK);
	HOLDS(again.nids == q->nids);
	for (i = 0; i < q->nids; i++)
		HOLDS(same(again.ids[i], q->ids[i]));
	HOLDS(same(again.limit, q->limit) && same(again.after, q->after));
	HOLDS(same(again.cursor, q->cursor) && same(again.client, q->client));
	HOLDS(same(again.timeout, q->timeout));
	HOLDS(same(again.heartbeats, q->heartbeats));
	pl_request_close(&call.req);
	pl_buf_free(&uri);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct pl_buf uri = PL_BUF_EMPTY;
	struct pl_query q;
	struct pl_call call;
	enum pl_err err;

	pl_buf_printf(&uri, "/api/widget/presence?");
	pl_buf_add(&uri, text, strlen(text) + 1);
	err = read_uri(&call, &q, uri.data);
	if (err == PL_OK) {
		check_query(&q);
		check_again(&q);
	} else {
		HOLDS(err == PL_ERR_REQUEST || err == PL_ERR_TOO_LARGE);
		HOLDS(call.message != NULL);
	}
	pl_request_close(&call.req);
	pl_buf_free(&uri);
	free(text);
	return 0;
}
