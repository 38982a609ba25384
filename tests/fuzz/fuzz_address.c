/*
 * Addresses and what proxies say of them. Four lines: a trusted network, the
 * address that the connection came from, X-Forwarded-For, Forwarded. A client
 * can write what he likes at the left of a header, and all of one if no proxy
 * is trusted; it must not make him somebody else.
 */
#include "address.h"
#include "fuzz.h"

struct client {
	uint8_t name[PL_CLIENT_MAX];
	size_t len;
};

static struct client
client(const struct pl_proxies *p, const char *from, const char *header)
{
	struct client c = {{0}, 0};

	c.len = pl_address_client(p, from, p->forwarded ? "" : header,
	    p->forwarded ? header : "", c.name);
	HOLDS(c.len <= PL_CLIENT_MAX);
	return c;
}

static bool
same(struct client a, struct client b)
{
	return a.len == b.len && memcmp(a.name, b.name, a.len) == 0;
}

/* Is the client, as far as his name tells, a trusted proxy? */
static bool
may_be_proxy(const struct pl_proxies *p, struct client c)
{
	struct pl_address a;
	char text[32];

	if (c.len != 4)
		return true;
	snprintf(text, sizeof(text), "%d.%d.%d.%d", c.name[0], c.name[1],
	    c.name[2], c.name[3]);
	HOLDS(pl_address_parse(text, strlen(text), &a) == PL_OK);
	return pl_network_has(&p->networks.list[0], &a);
}

static void
check(struct pl_proxies *p, const char *from, const char *header)
{
	static const struct pl_proxies nobody;
	struct client c = client(p, from, header);
	char *more = malloc(strlen(header) + 32);

	HOLDS(more != NULL);
	HOLDS(same(client(&nobody, from, header), client(&nobody, from, "")));
	sprintf(more, "%s198.51.100.7, %s", p->forwarded ? "for=" : "", header);
	if (!may_be_proxy(p, c))
		HOLDS(same(client(p, from, more), c));
	free(more);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *rest = text, *line[4];
	struct pl_proxies p = {.networks.n = 1};
	struct pl_network *net = &p.networks.list[0];
	size_t i;

	for (i = 0; i < 4; i++)
		if ((line[i] = strsep(&rest, "\n")) == NULL)
			line[i] = (char *)(uintptr_t) "";
	if (pl_network_parse(line[0], strlen(line[0]), net) == PL_OK) {
		HOLDS(net->bits >= 0 && net->bits <= 128);
		HOLDS(pl_network_has(net, &net->address));
	} else
		p.networks.n = 0;
	check(&p, line[1], line[2]);
	p.forwarded = true;
	check(&p, line[1], line[3]);
	free(text);
	return 0;
}
