/*
 * events.fcgi: the long poll of the dashboards. It does nothing but wait,
 * thousands of polls in one process where the web server opens a connection
 * for each (lighttpd, nginx, mod_proxy_fcgi).
 */
#include <stdlib.h>

#include "app.h"

static const struct pl_endpoint *const endpoints[] = {
    &pl_endpoint_events,
    NULL,
};

int
main(void)
{
	return pl_app_run(PL_EVENTS, endpoints) == PL_OK ? EXIT_SUCCESS
							 : EXIT_FAILURE;
}
