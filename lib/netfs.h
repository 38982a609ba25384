#ifndef PL_NETFS_H
#define PL_NETFS_H

#include <stdint.h>

/*
 * The network file system on which the file lies, as people call it ("NFS");
 * NULL: it lies on this machine, or nobody can tell.
 */
const char *pl_netfs_at(const char *path);

/* The same of a statfs(2) f_type of Linux. */
const char *pl_netfs_name(uint32_t type);

#endif
