/*
 * The config file, and the environment after its first NUL. What is taken
 * makes sense as a whole; what is not is told, in one message that ends.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"

#define MOST 16

static void
check_config(const struct pl_config *c)
{
#define CHECK(name, member, preset, least, most)                               \
	HOLDS(c->member >= (least) && c->member <= (most));
	PL_CONFIG_NUMBERS(CHECK)
#undef CHECK
	HOLDS(c->log >= 0 && c->log < PL_LOG__MAX);
	HOLDS(c->database[0] == '/');
	HOLDS(strnlen(c->database, sizeof(c->database)) < sizeof(c->database));
	HOLDS(c->min_beat_ms < c->timeout_ms);
	HOLDS(c->hidden_timeout_ms >= c->timeout_ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pl_config c;
	size_t len = size > 0 ? strnlen((const char *)data, size) : 0, n = 0;
	char *env[MOST + 1] = {NULL}, *text, *rest, path[64];
	int fd = memfd_create("config", MFD_CLOEXEC);

	HOLDS(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	text = fuzz_string(data + len, 0);
	if (size > len + 1) {
		free(text);
		text = fuzz_string(data + len + 1, size - len - 1);
	}
	rest = text;
	while (n < MOST && (env[n] = strsep(&rest, "\n")) != NULL)
		n++;
	env[n] = NULL;
	if (pl_config_load(&c, path, env) == PL_OK)
		check_config(&c);
	else {
		len = strnlen(c.error, sizeof(c.error));
		HOLDS(len > 0 && len < sizeof(c.error));
	}
	close(fd);
	free(text);
	return 0;
}
