/*
 * Addresses, for one thing only: to tell one client from another where too
 * much is too much. They are not written down.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "text.h"

#define TEXT_MAX 64 /* of an address, with port and brackets */
#define HOPS_MAX 32

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_v4(const struct pl_address *a)
{
	return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* The address alone: without brackets, port, zone. */
static enum pl_err
bare(const char *s, size_t n, char out[TEXT_MAX])
{
	const char *end;

	if (n == 0 || n >= TEXT_MAX)
		return PL_ERR_REQUEST;
	if (s[0] == '[') {
		if ((end = memchr(s, ']', n)) == NULL)
			return PL_ERR_REQUEST;
		s++;
	} else {
		/* One colon is a port's, several are IPv6. */
		end = memchr(s, ':', n);
		if (end == NULL ||
		    memchr(end + 1, ':', (size_t)(s + n - end) - 1) != NULL)
			end = s + n;
	}
	n = (size_t)(end - s);
	memcpy(out, s, n);
	out[n] = '\0';
	out[strcspn(out, "%")] = '\0';
	return PL_OK;
}

enum pl_err
pl_address_parse(const char *s, size_t n, struct pl_address *out)
{
	struct pl_address a;
	char text[TEXT_MAX];
	enum pl_err err;

	if ((err = bare(s, n, text)) != PL_OK)
		return err;
	memcpy(a.bytes, v4_prefix, sizeof(v4_prefix));
	if (inet_pton(AF_INET, text, a.bytes + 12) != 1 &&
	    inet_pton(AF_INET6, text, a.bytes) != 1)
		return PL_ERR_REQUEST;
	*out = a;
	return PL_OK;
}

enum pl_err
pl_network_parse(const char *s, size_t n, struct pl_network *out)
{
	const char *slash = memchr(s, '/', n);
	size_t len = slash != NULL ? (size_t)(slash - s) : n;
	struct pl_network net;
	char bits[8] = "";
	int64_t most, value;
	enum pl_err err;

	if ((err = pl_address_parse(s, len, &net.address)) != PL_OK)
		return err;
	most = is_v4(&net.address) ? 32 : 128;
	value = most;
	if (slash != NULL) {
		n -= len + 1;
		if (n == 0 || n >= sizeof(bits))
			return PL_ERR_REQUEST;
		memcpy(bits, slash + 1, n);
		if (pl_parse_int(bits, 0, most, &value) != PL_OK)
			return PL_ERR_REQUEST;
	}
	net.bits = (int)(128 - most + value);
	*out = net;
	return PL_OK;
}

bool
pl_network_has(const struct pl_network *net, const struct pl_address *a)
{
	size_t whole = (size_t)net->bits / 8;
	int rest = net->bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (memcmp(net->address.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((net->address.bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

static bool
has(const struct pl_networks *networks, const struct pl_address *a)
{
	size_t i;

	for (i = 0; i < networks->n; i++)
		if (pl_network_has(&networks->list[i], a))
			return true;
	return false;
}

static void
trim(const char **s, size_t *n)
{
	while (*n > 0 && ((*s)[0] == ' ' || (*s)[0] == '\t')) {
		++*s;
		--*n;
	}
	while (*n > 0 && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		--*n;
}

/* The value of for= in an element of Forwarded (RFC 7239). */
static enum pl_err
find_for(const char **s, size_t *n)
{
	const char *p = *s, *end = *s + *n, *semicolon;
	size_t len;

	for (; p < end; p = semicolon + 1) {
		semicolon = memchr(p, ';', (size_t)(end - p));
		if (semicolon == NULL)
			semicolon = end;
		len = (size_t)(semicolon - p);
		trim(&p, &len);
		if (len < 4 || strncasecmp(p, "for=", 4) != 0)
			continue;
		p += 4;
		len -= 4;
		if (len >= 2 && p[0] == '"' && p[len - 1] == '"') {
			p++;
			len -= 2;
		}
		*s = p;
		*n = len;
		return PL_OK;
	}
	return PL_ERR_REQUEST;
}

/* The last element of the n bytes; *n: how many stand before it. */
static enum pl_err
last(const struct pl_proxies *p, const char *list, size_t *n,
    struct pl_address *out)
{
	size_t end = *n, start = end, len;
	const char *s;
	enum pl_err err;

	while (start > 0 && list[start - 1] != ',')
		start--;
	*n = start > 0 ? start - 1 : 0;
	s = list + start;
	len = end - start;
	trim(&s, &len);
	if (p->forwarded && (err = find_for(&s, &len)) != PL_OK)
		return err;
	return pl_address_parse(s, len, out);
}

static size_t
name_of(const struct pl_address *a, uint8_t out[PL_CLIENT_MAX])
{
	if (is_v4(a)) {
		memcpy(out, a->bytes + 12, 4);
		return 4;
	}
	memcpy(out, a->bytes, 8);
	return 8;
}

/* The client, as far as proxies of ours say it; *left: bytes of what they say
 * that were not read, or not understood. PL_ERR_REQUEST: remote_addr is no
 * address. */
static enum pl_err
find(const struct pl_proxies *p, const char *remote_addr, const char *list,
    struct pl_address *at, size_t *left)
{
	size_t rest = strlen(list);
	struct pl_address next;
	enum pl_err err;
	int hops;

	err = pl_address_parse(remote_addr, strlen(remote_addr), at);
	if (err != PL_OK)
		return err;
	*left = rest;
	for (hops = 0; hops < HOPS_MAX && has(&p->networks, at); hops++) {
		if (rest == 0 || last(p, list, &rest, &next) != PL_OK)
			break; /* "unknown": all we know is the proxy */
		*at = next;
		*left = rest;
	}
	return PL_OK;
}

size_t
pl_address_client(const struct pl_proxies *p, const char *remote_addr,
    const char *x_forwarded_for, const char *forwarded,
    uint8_t out[PL_CLIENT_MAX])
{
	const char *list = p->forwarded ? forwarded : x_forwarded_for;
	size_t left, len = strlen(remote_addr);
	struct pl_address at;

	if (find(p, remote_addr, list, &at, &left) == PL_OK)
		return name_of(&at, out);
	len = len < PL_CLIENT_MAX ? len : PL_CLIENT_MAX;
	memcpy(out, remote_addr, len);
	return len;
}

bool
pl_address_is_in(const struct pl_networks *networks, const struct pl_proxies *p,
    const char *remote_addr, const char *x_forwarded_for, const char *forwarded)
{
	const char *list = p->forwarded ? forwarded : x_forwarded_for;
	const char *other = p->forwarded ? x_forwarded_for : forwarded;
	struct pl_address at;
	size_t left;

	if (find(p, remote_addr, list, &at, &left) != PL_OK || left > 0)
		return false;
	/* A proxy of ours hands on what clients put into the other header. */
	return (other[0] == '\0' || list[0] != '\0') && has(networks, &at);
}
