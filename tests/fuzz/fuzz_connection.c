/*
 * The bytes of a FastCGI connection, to the programs as they are: framing,
 * libfcgi, routing, store, held polls, the answer. The first byte says where
 * the rest is cut in two; a beat of somebody else's follows, so that a poll
 * that is held has something to hear.
 */
#include "served.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	served_open();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;
	int c;

	if (size < 2)
		return 0;
	cut = data[0] % size;
	served_begin(data, size);
	c = served_connect();
	served_send(c, data + 1, cut);
	served_turn();
	served_send(c, data + 1 + cut, size - 1 - cut);
	served_turn();
	served_end();
	return 0;
}
