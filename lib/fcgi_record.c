/*
 * The bytes of FastCGI: reading just enough to know when a request is whole,
 * and writing answers. Section 8 of the specification has the numbers.
 */
#include "fcgi_record.h"

#define PROTOCOL 1
#define RESPONDER 1
#define KEEP_CONN 1
#define HEADER 8

static void
put_header(unsigned char *p, enum pl_fcgi_type type, uint16_t id, size_t len)
{
	p[0] = PROTOCOL;
	p[1] = (unsigned char)type;
	p[2] = (unsigned char)(id >> 8);
	p[3] = (unsigned char)id;
	p[4] = (unsigned char)(len >> 8);
	p[5] = (unsigned char)len;
	p[6] = p[7] = 0;
}

void
pl_fcgi_add_record(struct pl_buf *b, enum pl_fcgi_type type, uint16_t id,
    const void *data, size_t len)
{
	unsigned char h[HEADER];

	put_header(h, type, id, len);
	pl_buf_add(b, h, HEADER);
	pl_buf_add(b, data, len);
}

void
pl_fcgi_add_stdout(struct pl_buf *b, uint16_t id, const char *data, size_t len)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		n = len < 65528 ? len : 65528;
		pl_fcgi_add_record(b, PL_FCGI_STDOUT, id, data, n);
	}
}

void
pl_fcgi_add_end(struct pl_buf *b, uint16_t id, enum pl_fcgi_end status)
{
	unsigned char body[8] = {0, 0, 0, 0, (unsigned char)status, 0, 0, 0};

	pl_fcgi_add_record(b, PL_FCGI_END, id, body, sizeof(body));
}

int
pl_fcgi_parse(const unsigned char *p, size_t n, struct pl_fcgi_record *r)
{
	if (n > 0 && p[0] != PROTOCOL)
		return -1;
	if (n < HEADER)
		return 0;
	r->type = p[1];
	r->id = (uint16_t)(p[2] << 8 | p[3]);
	r->len = (size_t)(p[4] << 8 | p[5]);
	r->total = HEADER + r->len + p[6];
	r->content = p + HEADER;
	return r->total <= n;
}

/* Reads BEGIN. Nobody pads its 8 bytes; libfcgi takes padding there for the
 * next record, and would read another request than the one that was checked. */
static enum pl_fcgi_scan
scan_begin(struct pl_fcgi_head *head, const struct pl_fcgi_record *r)
{
	if (r->len != 8 || r->total != HEADER + 8)
		return PL_SCAN_BROKEN;
	head->id = r->id;
	head->keep = (r->content[2] & KEEP_CONN) != 0;
	return (r->content[0] << 8 | r->content[1]) == RESPONDER ? PL_SCAN_WHOLE
								 : PL_SCAN_ROLE;
}

/* The name-value pairs of PARAMS, whose records may cut them anywhere. */
struct pairs {
	unsigned char lengths[8]; /* of name and value, as they come */
	size_t n;                 /* bytes of that */
	uint64_t left;            /* of name and value */
};

/* One length, of 1 byte or 4; returns how many it has. */
static size_t
read_length(const unsigned char *p, uint64_t *len)
{
	*len += p[0] < 0x80 ? p[0]
			    : (uint64_t)(p[0] & 0x7f) << 24 | p[1] << 16 |
				  p[2] << 8 | p[3];
	return p[0] < 0x80 ? 1 : 4;
}

static void
end_lengths(struct pairs *s)
{
	size_t first = s->lengths[0] < 0x80 ? 1 : 4;

	if (s->n <= first || s->n < first + (s->lengths[first] < 0x80 ? 1 : 4))
		return;
	read_length(s->lengths + read_length(s->lengths, &s->left), &s->left);
	s->n = 0;
}

static void
add_pairs(struct pairs *s, const unsigned char *p, size_t n)
{
	size_t skip;

	for (; n > 0; p += skip, n -= skip) {
		skip = s->left < n ? (size_t)s->left : n;
		s->left -= skip;
		if (skip == 0) {
			s->lengths[s->n++] = *p;
			end_lengths(s);
			skip = 1;
		}
	}
}

/*
 * The records after BEGIN: pairs, then a body, each with an empty record at
 * its end. What is not so is refused here: libfcgi, which reads the request
 * next, would wait for two seconds to hang up on it, and some of its versions
 * add the lengths of a pair in 32 bits.
 */
static enum pl_fcgi_scan
scan_streams(const unsigned char *p, size_t n, size_t off, size_t body_max,
    struct pl_fcgi_head *head)
{
	struct pairs pairs = {.n = 0};
	bool in_body = false;
	size_t body = 0;
	struct pl_fcgi_record r;
	int rc;

	for (; (rc = pl_fcgi_parse(p + off, n - off, &r)) == 1;
	     off += r.total) {
		if (r.id != head->id ||
		    r.type != (in_body ? PL_FCGI_STDIN : PL_FCGI_PARAMS))
			return PL_SCAN_BROKEN;
		if (!in_body) {
			add_pairs(&pairs, r.content, r.len);
			in_body = r.len == 0;
			if (in_body && (pairs.n > 0 || pairs.left > 0))
				return PL_SCAN_BROKEN;
		} else if (r.len == 0) {
			head->len = off + r.total;
			head->body = body;
			return PL_SCAN_WHOLE;
		} else if ((body += r.len) > body_max)
			return PL_SCAN_TOO_LARGE;
	}
	if (rc < 0)
		return PL_SCAN_BROKEN;
	/* A long last record that is still coming counts by its header. */
	if (n - off >= HEADER && in_body && r.id == head->id &&
	    r.type == PL_FCGI_STDIN && body + r.len > body_max)
		return PL_SCAN_TOO_LARGE;
	return n >= PL_FCGI_REQUEST_MAX ? PL_SCAN_TOO_LARGE : PL_SCAN_MORE;
}

enum pl_fcgi_scan
pl_fcgi_scan(const unsigned char *p, size_t n, size_t body_max,
    struct pl_fcgi_head *head, struct pl_fcgi_record *first)
{
	struct pl_fcgi_record r;
	enum pl_fcgi_scan s;
	int rc;

	if ((rc = pl_fcgi_parse(p, n, &r)) != 1)
		return rc == 0 ? PL_SCAN_MORE : PL_SCAN_BROKEN;
	*first = r;
	if (r.id == 0)
		return PL_SCAN_MANAGEMENT;
	if (r.type != PL_FCGI_BEGIN)
		return PL_SCAN_STRAY;
	if ((s = scan_begin(head, &r)) != PL_SCAN_WHOLE)
		return s;
	return scan_streams(p, n, r.total, body_max, head);
}
