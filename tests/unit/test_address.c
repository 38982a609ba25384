/*
 * Who stands behind a connection: addresses, networks, and what proxies say.
 */
#include <string.h>

#include "address.h"
#include "../lib/test.h"

static struct pl_proxies proxies;

static void
trust(const char *network)
{
	cr_assert_eq(pl_network_parse(network, strlen(network),
			 &proxies.networks.list[proxies.networks.n++]),
	    PL_OK, "%s", network);
}

/* Are the two addresses one client? */
static bool
same(const char *a, const char *b)
{
	uint8_t x[PL_CLIENT_MAX], y[PL_CLIENT_MAX];
	size_t n = pl_address_client(&proxies, a, "", "", x);

	return n == pl_address_client(&proxies, b, "", "", y) &&
	       memcmp(x, y, n) == 0;
}

Test(address, each_ipv4_is_a_client)
{
	cr_expect(same("192.0.2.1", "192.0.2.1"));
	cr_expect_not(same("192.0.2.1", "192.0.2.2"));
	cr_expect(same("192.0.2.1", "::ffff:192.0.2.1"), "however written");
	cr_expect(same("192.0.2.1", "192.0.2.1:4711"));
}

Test(address, an_ipv6_client_is_its_64_bits)
{
	cr_expect(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
	cr_expect_not(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	cr_expect(same("fe80::1%eth0", "fe80::2"));
	cr_expect_not(same("::1", "127.0.0.1"));
}

/* Whatever a server says of a socket is a name too, if only one. */
Test(address, what_is_no_address_is_a_name)
{
	cr_expect(same("unix:", "unix:"));
	cr_expect(same("", ""));
	cr_expect_not(same("unix:", ""));
}

struct text {
	char text[60];
	bool good;
};

ParameterizedTestParameters(address, networks)
{
	static struct text rows[] = {
	    {"192.0.2.1", true},
	    {"192.0.2.0/24", true},
	    {"0.0.0.0/0", true},
	    {"::/0", true},
	    {"2001:db8::/32", true},
	    {"[2001:db8::1]", true},
	    {"192.0.2.0/33", false},
	    {"2001:db8::/129", false},
	    {"192.0.2.0/", false},
	    {"192.0.2.0/-1", false},
	    {"192.0.2.0/2a", false},
	    {"192.0.2", false},
	    {"192.0.2.256", false},
	    {"/24", false},
	    {"", false},
	    {"localhost", false},
	    {"[2001:db8::1", false},
	    {"2001:db8:::1", false},
	    {"00000000000000000000000000000000000000000000000001.2.3.4", false},
	};

	return ROWS(struct text, rows);
}

ParameterizedTest(struct text *row, address, networks)
{
	struct pl_network net;

	cr_expect_eq(pl_network_parse(row->text, strlen(row->text), &net),
	    row->good ? PL_OK : PL_ERR_REQUEST, "%s", row->text);
}

struct membership {
	char network[40], address[40];
	bool in;
};

ParameterizedTestParameters(address, a_network_has_its_own)
{
	static struct membership rows[] = {
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"192.0.2.129/25", "192.0.2.128", true},
	    {"192.0.2.129/25", "192.0.2.127", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.0", false},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"2001:db8::/33", "2001:db8:7fff::", true},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
	};

	return ROWS(struct membership, rows);
}

ParameterizedTest(struct membership *row, address, a_network_has_its_own)
{
	struct pl_network net;
	struct pl_address a;

	cr_assert_eq(
	    pl_network_parse(row->network, strlen(row->network), &net), PL_OK);
	cr_assert_eq(
	    pl_address_parse(row->address, strlen(row->address), &a), PL_OK);
	cr_expect_eq(pl_network_has(&net, &a), row->in, "%s %s", row->network,
	    row->address);
}

/* 10.0.0.0/8 and 2001:db8::/32 are proxies of ours. */
struct forwarded {
	char remote[30], header[120], client[30];
};

static void
check(const struct forwarded *row, bool forwarded)
{
	uint8_t got[PL_CLIENT_MAX], expected[PL_CLIENT_MAX];
	size_t n;

	trust("10.0.0.0/8");
	trust("2001:db8::/32");
	proxies.forwarded = forwarded;
	n = pl_address_client(&proxies, row->remote,
	    forwarded ? "203.0.113.99" : row->header,
	    forwarded ? row->header : "for=203.0.113.99", got);
	cr_expect_eq(
	    n, pl_address_client(&proxies, row->client, "", "", expected));
	cr_expect_arr_eq(got, expected, n, "%s, %s", row->remote, row->header);
}

ParameterizedTestParameters(address, x_forwarded_for_is_read_from_the_right)
{
	static struct forwarded rows[] = {
	    /* No proxy of ours: whatever it says is not heard. */
	    {"192.0.2.1", "198.51.100.1", "192.0.2.1"},
	    {"192.0.2.1", "10.0.0.1", "192.0.2.1"},
	    {"10.0.0.1", "", "10.0.0.1"},
	    {"10.0.0.1", "198.51.100.1", "198.51.100.1"},
	    /* What stands left of the client he wrote himself. */
	    {"10.0.0.1", "203.0.113.7, 198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", "10.0.0.9,198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", "198.51.100.1, 10.0.0.2 ,\t10.0.0.3", "198.51.100.1"},
	    {"10.0.0.1", "198.51.100.1, 2001:db8::5", "198.51.100.1"},
	    {"2001:db8::5", "198.51.100.1:4711", "198.51.100.1"},
	    {"10.0.0.1", "[2001:0:1:2::1]:4711", "2001:0:1:2::1"},
	    {"10.0.0.1", "2001:0:1:2::1", "2001:0:1:2::1"},
	    /* All of them ours: the outermost. */
	    {"10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"},
	    /* Not an address: the proxy that said so is all we know. */
	    {"10.0.0.1", "unknown", "10.0.0.1"},
	    {"10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"},
	    {"10.0.0.1", "198.51.100.1,", "10.0.0.1"},
	    {"10.0.0.1", ",", "10.0.0.1"},
	    {"10.0.0.1", "for=198.51.100.1", "10.0.0.1"},
	};

	return ROWS(struct forwarded, rows);
}

ParameterizedTest(
    struct forwarded *row, address, x_forwarded_for_is_read_from_the_right)
{
	check(row, false);
}

ParameterizedTestParameters(address, forwarded_is_read_from_the_right)
{
	static struct forwarded rows[] = {
	    {"192.0.2.1", "for=198.51.100.1", "192.0.2.1"},
	    {"10.0.0.1", "for=198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", "proto=https; For=\"198.51.100.1:80\";by=10.0.0.1",
		"198.51.100.1"},
	    {"10.0.0.1", "for=\"[2001:0:1:2::1]:4711\"", "2001:0:1:2::1"},
	    {"10.0.0.1", "for=203.0.113.7, for=198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", "for=198.51.100.1, for=10.0.0.2", "198.51.100.1"},
	    {"10.0.0.1", "for=_hidden", "10.0.0.1"},
	    {"10.0.0.1", "by=198.51.100.1", "10.0.0.1"},
	    {"10.0.0.1", "x=\"for=198.51.100.1\"", "10.0.0.1"},
	    {"10.0.0.1", "198.51.100.1", "10.0.0.1"},
	    {"10.0.0.1", ";;;", "10.0.0.1"},
	};

	return ROWS(struct forwarded, rows);
}

ParameterizedTest(
    struct forwarded *row, address, forwarded_is_read_from_the_right)
{
	check(row, true);
}

/* 127.0.0.0/8 and 198.51.100.0/24 may, and 10.0.0.0/8 and
 * 127.0.0.9 are proxies of ours. */
struct visitor {
	char remote[30], x_forwarded_for[60], forwarded[60];
	bool may;
};

ParameterizedTestParameters(address, is_in_a_network_for_sure)
{
	static struct visitor rows[] = {
	    {"127.0.0.1", "", "", true},
	    {"127.1.2.3", "", "", true},
	    {"198.51.100.7", "", "", true},
	    {"192.0.2.1", "", "", false},
	    {"10.0.0.1", "", "", false},
	    {"::1", "", "", false},
	    {"", "", "", false},
	    {"unix:", "", "", false},
	    /* Somebody of whom we know nothing has handed it on. */
	    {"127.0.0.1", "127.0.0.1", "", false},
	    {"127.0.0.1", "", "for=127.0.0.1", false},
	    /* A proxy of ours has, and says from whom. */
	    {"10.0.0.1", "198.51.100.7", "", true},
	    {"10.0.0.1", "198.51.100.7", "for=192.0.2.1", true},
	    {"10.0.0.1", "198.51.100.7, 10.0.0.2", "", true},
	    {"10.0.0.1", "192.0.2.1", "", false},
	    {"10.0.0.1", "127.0.0.1, 192.0.2.1", "", false},
	    {"10.0.0.1", "192.0.2.1, 127.0.0.1", "", false},
	    {"10.0.0.1", "unknown", "", false},
	    {"10.0.0.1", "", "for=127.0.0.1", false},
	    {"127.0.0.9", "", "", true},
	    {"127.0.0.9", "198.51.100.7", "", true},
	    {"127.0.0.9", "unknown", "", false},
	    {"127.0.0.9", "unknown, 10.0.0.2", "", false},
	};

	return ROWS(struct visitor, rows);
}

ParameterizedTest(struct visitor *row, address, is_in_a_network_for_sure)
{
	static struct pl_networks networks;
	static const char *const texts[] = {"127.0.0.0/8", "198.51.100.0/24"};

	for (networks.n = 0; networks.n < LENGTH(texts); networks.n++)
		cr_assert_eq(
		    pl_network_parse(texts[networks.n],
			strlen(texts[networks.n]), &networks.list[networks.n]),
		    PL_OK);
	trust("10.0.0.0/8");
	trust("127.0.0.9");
	cr_expect_eq(pl_address_is_in(&networks, &proxies, row->remote,
			 row->x_forwarded_for, row->forwarded),
	    row->may, "%s, %s, %s", row->remote, row->x_forwarded_for,
	    row->forwarded);
}
