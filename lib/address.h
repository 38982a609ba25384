#ifndef PL_ADDRESS_H
#define PL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* An address: IPv6, or IPv4 as IPv6 writes it (::ffff:192.0.2.1). */
struct pl_address {
	uint8_t bytes[16];
};

/* A network: its first bits. "192.0.2.0/24", "2001:db8::/32", or one address
 * alone. */
struct pl_network {
	struct pl_address address;
	int bits; /* of the 128 */
};

/* n bytes of text, with or without a port ("192.0.2.1:80", "[::1]:80").
 * PL_ERR_REQUEST: no address. */
enum pl_err pl_address_parse(
    const char *, size_t n, struct pl_address *) PL_MUST;
enum pl_err pl_network_parse(
    const char *, size_t n, struct pl_network *) PL_MUST;
bool pl_network_has(const struct pl_network *, const struct pl_address *);

#define PL_NETWORKS_MAX 64
struct pl_networks {
	struct pl_network list[PL_NETWORKS_MAX];
	size_t n;
};

/* Proxies in front of the web server that are believed. */
struct pl_proxies {
	struct pl_networks networks;
	bool forwarded; /* they write Forwarded, not X-Forwarded-For */
};

/*
 * Who stands behind the connection that came from remote_addr: of what
 * proxies have said, read from the right, the first that is none of them.
 * What stands left of it anybody can have written. A header is looked at only
 * if remote_addr is a proxy's. Writes a name for him: an IPv4 address, or the
 * first 64 bits of an IPv6 one (a customer has as many addresses there as he
 * likes), or whatever the server said. Returns its length.
 */
#define PL_CLIENT_MAX 15
size_t pl_address_client(const struct pl_proxies *, const char *remote_addr,
    const char *x_forwarded_for, const char *forwarded,
    uint8_t out[PL_CLIENT_MAX]);

/*
 * Is he in one of the networks, for sure? He is not if anybody may have handed
 * it on whom nobody knows: a tunnel of this machine comes from loopback too.
 */
bool pl_address_is_in(const struct pl_networks *, const struct pl_proxies *,
    const char *remote_addr, const char *x_forwarded_for,
    const char *forwarded);

#endif
