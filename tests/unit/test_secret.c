#include <stdio.h>
#include <string.h>

#include "secret.h"
#include "../lib/test.h"

/* Every byte goes to two lower-case digits and back. */
Test(secret, goes_to_hex_and_back)
{
	uint8_t in[256], out[256];
	char hex[2 * 256 + 1];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	pl_hex(in, sizeof(in), hex);
	cr_expect_eq(strlen(hex), 512);
	cr_expect_eq(strncmp(hex, "000102", 6), 0);
	cr_expect_str_eq(hex + 506, "fdfeff");
	cr_expect_eq(pl_unhex(hex, out, sizeof(out)), PL_OK);
	cr_expect_arr_eq(in, out, sizeof(in));
}

struct bad_hex {
	char text[80];
};

ParameterizedTestParameters(secret, refuses_what_is_no_lower_case_hex)
{
	static struct bad_hex rows[] = {
	    {""},
	    {"0"},
	    {"0011223344556677889900112233445"},
	    {"001122334455667788990011223344556"},
	    {"00112233445566778899001122334455 "},
	    {" 0112233445566778899001122334455"},
	    {"0011223344556677889900112233445G"},
	    {"0011223344556677889900112233445F"},
	    {"0011223344556677889900112233445\xff"},
	    {"0x112233445566778899001122334455"},
	    {"-0112233445566778899001122334455"},
	};

	return ROWS(struct bad_hex, rows);
}

/* One digit short, long, upper-case, signed, spaced: none is a secret. */
ParameterizedTest(
    struct bad_hex *row, secret, refuses_what_is_no_lower_case_hex)
{
	uint8_t out[16], before[16];

	memset(out, 0xaa, sizeof(out));
	memcpy(before, out, sizeof(out));
	cr_expect_eq(pl_unhex(row->text, out, sizeof(out)), PL_ERR_REQUEST);
	cr_expect_arr_eq(out, before, sizeof(out), "must be untouched");
}

/* FIPS 180-2, and the empty string. */
Test(secret, hashes_as_sha_256)
{
	static const struct {
		const char *in, *hex;
	} rows[] = {
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410f"
		    "f61f20015ad"},
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		 "7852b855"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd41"
		"9db06c1"},
	};
	uint8_t hash[PL_HASH_LEN];
	char hex[2 * PL_HASH_LEN + 1];
	size_t i;

	for (i = 0; i < LENGTH(rows); i++) {
		pl_secret_hash(rows[i].in, hash);
		pl_hex(hash, sizeof(hash), hex);
		cr_expect_str_eq(hex, rows[i].hex);
	}
}

/* Prefix, 40 lower-case digits, an end; never the same twice. */
Test(secret, makes_tokens_of_one_shape)
{
	char a[PL_TOKEN_LEN + 1], b[PL_TOKEN_LEN + 1];
	int i;

	memset(a, 'x', sizeof(a));
	for (i = 0; i < 100; i++) {
		cr_assert_eq(pl_secret_token("pla_", b), PL_OK);
		cr_expect_eq(strlen(b), PL_TOKEN_LEN);
		cr_expect_eq(strncmp(b, "pla_", 4), 0);
		cr_expect_eq(strspn(b + 4, "0123456789abcdef"), 40);
		cr_expect_neq(memcmp(a, b, sizeof(a)), 0);
		memcpy(a, b, sizeof(a));
	}
}

/* Random bytes fill all that was asked for. */
Test(secret, fills_all_of_what_it_is_given)
{
	uint8_t bytes[64] = {0}, seen[64] = {0};
	size_t i;
	int n;

	for (n = 0; n < 64; n++) {
		cr_assert_eq(pl_secret_random(bytes, sizeof(bytes)), PL_OK);
		for (i = 0; i < sizeof(bytes); i++)
			seen[i] |= bytes[i];
	}
	for (i = 0; i < sizeof(seen); i++)
		cr_expect_neq(seen[i], 0, "byte %zu was never set", i);
}

/* Vectors of the authors; a start carries on where another text ended. */
Test(secret, names_by_fnv1a)
{
	cr_expect_eq(
	    pl_fnv1a("", PL_FNV1A_START), UINT64_C(0xcbf29ce484222325));
	cr_expect_eq(
	    pl_fnv1a("a", PL_FNV1A_START), UINT64_C(0xaf63dc4c8601ec8c));
	cr_expect_eq(
	    pl_fnv1a("foobar", PL_FNV1A_START), UINT64_C(0x85944171f73967e8));
	cr_expect_eq(pl_fnv1a("bar", pl_fnv1a("foo", PL_FNV1A_START)),
	    UINT64_C(0x85944171f73967e8));
}

/* Nothing before or behind it is touched. */
Test(secret, is_wiped)
{
	char text[] = "(secret)";

	pl_wipe(text + 1, 6);
	cr_expect_arr_eq(text, "(\0\0\0\0\0\0)", sizeof(text));
}
