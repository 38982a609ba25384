/*
 * Which file systems are a network's.
 */
#include "netfs.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

Test(netfs, knows_a_networks_file_systems_by_their_numbers)
{
	static const struct {
		uint32_t type;
		const char *name;
	} rows[] = {
	    {0x6969, "NFS"},
	    {0xff534d42, "CIFS"},
	    {0xfe534d42, "SMB"},
	    {0x01021997, "9p"},
	    {0x65735546, "FUSE"},
	    {0x5346414f, "AFS"},
	    {0x00c36400, "Ceph"},
	    {0x01161970, "GFS2"},
	    {0x7461636f, "OCFS2"},
	    {0x0bd00bd0, "Lustre"},
	};
	size_t i;

	for (i = 0; i < LENGTH(rows); i++)
		cr_expect_str_eq(pl_netfs_name(rows[i].type), rows[i].name);
}

/* ext4, xfs, btrfs, tmpfs, overlayfs, ZFS, f2fs, and none at all. */
Test(netfs, disks_are_none)
{
	static const uint32_t rows[] = {0xef53, 0x58465342, 0x9123683e,
	    0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0};
	size_t i;

	for (i = 0; i < LENGTH(rows); i++)
		cr_expect_null(pl_netfs_name(rows[i]), "%x", rows[i]);
}

Test(netfs, says_nothing_of_what_is_not_there)
{
	tmpdir_make();
	cr_expect_null(pl_netfs_at(tmpdir_path("nothing")));
	tmpdir_remove();
}
