/*
 * Which file systems are a network's. On those SQLite's WAL is not safe: its
 * index is memory that all processes map, and machines share none.
 *
 * A cluster file system (GFS2, OCFS2) and a folder that a virtual machine is
 * given by its host count too: others may write there whose memory we do not
 * share. FUSE is anybody's guess, sshfs and GlusterFS or a disk with NTFS; a
 * rollback journal is right on all of them, and only slower.
 */
#include <stddef.h>

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) ||    \
    defined(__DragonFly__)
#include <sys/param.h>
#include <sys/mount.h>
#endif

#include "netfs.h"

/*
 * The numbers are those of <linux/magic.h> and statfs(2); what these leave
 * out is from where it is defined: the kernel's fs/ (gfs2_ondisk.h, orangefs,
 * vboxsf), Lustre's lustre_user.h, and for the rest coreutils' src/stat.c.
 */
static const struct {
	uint32_t type;
	const char *name;
} types[] = {
    {0x6969, "NFS"},            /* NFS_SUPER_MAGIC */
    {0x517b, "SMB"},            /* SMB_SUPER_MAGIC */
    {0xff534d42, "CIFS"},       /* CIFS_SUPER_MAGIC */
    {0xfe534d42, "SMB"},        /* SMB2_SUPER_MAGIC */
    {0x564c, "NetWare"},        /* NCP_SUPER_MAGIC */
    {0x01021997, "9p"},         /* V9FS_MAGIC */
    {0x65735546, "FUSE"},       /* FUSE_SUPER_MAGIC; virtiofs too */
    {0x5346414f, "AFS"},        /* AFS_SUPER_MAGIC */
    {0x6b414653, "AFS"},        /* AFS_FS_MAGIC */
    {0x73757245, "Coda"},       /* CODA_SUPER_MAGIC */
    {0x00c36400, "Ceph"},       /* CEPH_SUPER_MAGIC */
    {0x7461636f, "OCFS2"},      /* OCFS2_SUPER_MAGIC */
    {0x01161970, "GFS2"},       /* GFS2_MAGIC */
    {0x0bd00bd0, "Lustre"},     /* LL_SUPER_MAGIC */
    {0x20030528, "OrangeFS"},   /* ORANGEFS_SUPER_MAGIC */
    {0x786f4256, "VirtualBox"}, /* VBOXSF_SUPER_MAGIC */
    {0xbacbacbc, "VMware"},     /* S_MAGIC_VMHGFS */
    {0x7c7c6673, "Parallels"},  /* S_MAGIC_PRL_FS */
    {0x19830326, "BeeGFS"},     /* S_MAGIC_FHGFS */
    {0x47504653, "GPFS"},       /* S_MAGIC_GPFS */
    {0xaad7aaea, "PanFS"},      /* S_MAGIC_PANFS */
    {0xbeefdead, "StorNext"},   /* S_MAGIC_SNFS */
    {0x61636673, "ACFS"},       /* S_MAGIC_ACFS */
    {0x013111a8, "IBRIX"},      /* S_MAGIC_IBRIX */
};

#ifdef __linux__
_Static_assert(NFS_SUPER_MAGIC == 0x6969 && SMB_SUPER_MAGIC == 0x517b &&
		   V9FS_MAGIC == 0x01021997 && CODA_SUPER_MAGIC == 0x73757245 &&
		   AFS_SUPER_MAGIC == 0x5346414f,
    "the numbers are the kernel's");
#endif

const char *
pl_netfs_name(uint32_t type)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

const char *
pl_netfs_at(const char *path)
{
#if defined(__linux__)
	struct statfs fs;

	/* f_type is signed on some machines. */
	return statfs(path, &fs) == 0 ? pl_netfs_name((uint32_t)fs.f_type)
				      : NULL;
#elif defined(MNT_LOCAL)
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_flags & MNT_LOCAL) == 0
		   ? "a network file system"
		   : NULL;
#else
	(void)path;
	return NULL;
#endif
}
