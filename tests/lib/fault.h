#ifndef PL_TEST_FAULT_H
#define PL_TEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory and disks that fail at a chosen moment. Allocations are those of
 * SQLite and, in a program linked with --wrap=malloc and so on, of the
 * library; writes are those that SQLite makes to files. With --wrap=statfs
 * the disk is whatever file system the test says.
 */

/* Puts itself under SQLite; before the first use of it in a process. */
void fault_install(void);

/* From now on the n-th allocation, write or sync fails, and `times` in all.
 * n 0: none does. Of the allocations that SQLite makes while it reads SQL only
 * some are counted, in a program linked with --wrap=sqlite3_exec and
 * --wrap=sqlite3_prepare_v3. */
void fault_memory(size_t n, size_t times);
void fault_disk(size_t n, size_t times);

/* How many there were since the last fault_memory() or fault_disk(). */
size_t fault_allocations(void);
size_t fault_writes(void);
/* Did one fail since? */
bool fault_hit(void);

/* From now on every file lies on a file system of that statfs(2) f_type; 0: on
 * the one it lies on. */
void fault_file_system(uint32_t type);

/* What is allocated and not freed. */
long fault_blocks(void);

#endif
