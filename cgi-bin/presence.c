/*
 * presence.fcgi: everything that is answered at once. Beats and leaves, the
 * first form, presence, agents' sessions, the host application, health,
 * metrics.
 *
 * Waiting is left to events.fcgi: a web server that gives each process one
 * request at a time must never let waiting dashboards eat the processes that
 * beats need.
 */
#include <stdlib.h>

#include "app.h"

static const struct pl_endpoint *const endpoints[] = {
    &pl_endpoint_online,
    &pl_endpoint_heartbeat,
    &pl_endpoint_offline,
    &pl_endpoint_typing,
    &pl_endpoint_form,
    &pl_endpoint_presence,
    &pl_endpoint_session_add,
    &pl_endpoint_session_end,
    &pl_endpoint_conversation_add,
    &pl_endpoint_conversation_remove,
    &pl_endpoint_health,
    &pl_endpoint_metrics,
    NULL,
};

int
main(void)
{
	return pl_app_run(PL_PRESENCE, endpoints) == PL_OK ? EXIT_SUCCESS
							   : EXIT_FAILURE;
}
