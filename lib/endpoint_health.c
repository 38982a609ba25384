/*
 * GET /api/health: can the store be written?
 *
 *	200 {"status": "ok", "store": "sqlite", "version": "0.1.0"}
 *
 * 503 store_unavailable while it cannot. It is really written, a row of a
 * few bytes: a disk that is full is found by nothing less.
 */
#include "app.h"
#include "json.h"

static enum pl_err
run_health(struct pl_call *call)
{
	struct pl_buf *b = &call->reply.body;
	enum pl_err err;

	if ((err = call->store->ops->check(call->store)) != PL_OK)
		return err;
	pl_json_open(b, '{');
	pl_json_str(b, "status", "ok");
	pl_json_str(b, "store", "sqlite");
	pl_json_str(b, "version", PACKAGE_VERSION);
	pl_json_close(b, '}');
	return PL_OK;
}

const struct pl_endpoint pl_endpoint_health = {
    PL_GET, "/api/health", PL_TXN_WRITE, run_health, false, PL_RATE_NONE};
