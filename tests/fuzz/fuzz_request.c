/*
 * Whole requests through FastCGI, framed well, so that the bytes are spent on
 * what the framing carries. The input is text:
 *
 *	POST /api/widget/heartbeat
 *	Content-Type: text/plain
 *
 *	{"conversationId": "conv_123"}
 *
 * A line "%%" parts it from the next one, which comes on a connection of its
 * own a turn later; "&&" from one that comes in the same turn. Names in
 * capitals are variables of CGI as they stand, the others are headers. "@c" and
 * "@n" in an address are a good cursor and a good place in the list.
 */
#include <ctype.h>

#include "buf.h"
#include "fcgi_record.h"
#include "served.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	served_open();
	return 0;
}

static void
add_length(struct pl_buf *b, size_t n)
{
	unsigned char bytes[4] = {(unsigned char)(n >> 24 | 0x80),
	    (unsigned char)(n >> 16), (unsigned char)(n >> 8),
	    (unsigned char)n};

	if (n < 128)
		pl_buf_add(b, &bytes[3], 1);
	else
		pl_buf_add(b, bytes, 4);
}

static void
add_param(struct pl_buf *b, const char *name, const char *value, size_t len)
{
	add_length(b, strlen(name));
	add_length(b, len);
	pl_buf_puts(b, name);
	pl_buf_add(b, value, len);
}

/* "Content-Type: text/plain" as CGI calls it. */
static void
add_header(struct pl_buf *b, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t n = colon != NULL ? (size_t)(colon - line) : 0, i;
	bool is_variable = n > 0;
	char name[64] = "HTTP_";

	if (n == 0 || n > 50)
		return;
	for (i = 0; i < n; i++) {
		is_variable &= isupper(line[i]) || line[i] == '_';
		name[5 + i] = line[i] == '-' ? '_' : (char)toupper(line[i]);
	}
	name[5 + n] = '\0';
	if (is_variable || strcmp(name, "HTTP_CONTENT_TYPE") == 0 ||
	    strcmp(name, "HTTP_CONTENT_LENGTH") == 0)
		memmove(name, name + 5, n + 1);
	for (n++; n < len && line[n] == ' '; n++)
		continue;
	add_param(b, name, line + n, len - n);
}

static const char *
line_end(const char *p, const char *end)
{
	const char *eol = memchr(p, '\n', (size_t)(end - p));

	return eol != NULL ? eol : end;
}

static void
add_uri(struct pl_buf *b, const char *p, size_t len)
{
	struct pl_buf uri = PL_BUF_EMPTY;
	char place[33] = "";
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] != '@' || i + 1 == len ||
		    (p[i + 1] != 'c' && p[i + 1] != 'n')) {
			pl_buf_add(&uri, p + i, 1);
			continue;
		}
		if (p[++i] == 'c')
			served_cursor(place);
		else
			served_next(place);
		pl_buf_puts(&uri, place);
	}
	add_param(b, "REQUEST_URI", uri.data, uri.len);
	pl_buf_free(&uri);
}

/* The variables; returns where the body begins. */
static const char *
add_params(struct pl_buf *b, const char *p, const char *end)
{
	const char *eol = line_end(p, end), *space;

	space = memchr(p, ' ', (size_t)(eol - p));
	if (space == NULL)
		space = eol;
	add_param(b, "REQUEST_METHOD", p, (size_t)(space - p));
	if (space < eol)
		add_uri(b, space + 1, (size_t)(eol - space - 1));
	add_param(b, "SERVER_SOFTWARE", "lighttpd", 8);
	while (eol < end) {
		p = eol + 1;
		eol = line_end(p, end);
		if (eol == p)
			return eol < end ? eol + 1 : end;
		add_header(b, p, (size_t)(eol - p));
	}
	return end;
}

static void
add_stream(
    struct pl_buf *b, enum pl_fcgi_type type, const char *data, size_t len)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		n = len < 65535 ? len : 65535;
		pl_fcgi_add_record(b, type, 1, data, n);
	}
	pl_fcgi_add_record(b, type, 1, NULL, 0);
}

static void
send_request(const char *p, const char *end)
{
	static const unsigned char begin[8] = {0, 1, 0, 0, 0, 0, 0, 0};
	struct pl_buf params = PL_BUF_EMPTY, b = PL_BUF_EMPTY;
	const char *body = add_params(&params, p, end);
	char length[24];

	snprintf(length, sizeof(length), "%zu", (size_t)(end - body));
	add_param(&params, "CONTENT_LENGTH", length, strlen(length));
	pl_fcgi_add_record(&b, PL_FCGI_BEGIN, 1, begin, sizeof(begin));
	add_stream(&b, PL_FCGI_PARAMS, params.data, params.len);
	add_stream(&b, PL_FCGI_STDIN, body, (size_t)(end - body));
	served_send(served_connect(), b.data, b.len);
	pl_buf_free(&params);
	pl_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *cut, *to;
	int n;

	served_begin(data, size);
	for (n = 0; n < SERVED_CONNECTIONS && p < end; n++, p = cut) {
		cut = memmem(p, (size_t)(end - p), "\n%%\n", 4);
		to = memmem(p, (size_t)(end - p), "\n&&\n", 4);
		if (to == NULL || (cut != NULL && cut < to))
			to = cut;
		send_request(p, to != NULL ? to : end);
		if (to == NULL || to[1] == '%')
			served_turn();
		cut = to != NULL ? to + 4 : end;
	}
	served_end();
	return 0;
}
