-- An id of our own has its conversation's number in it from here on, and such a
-- conversation has no row in name, nor have its sessions (lib/sqlite_name.c).
-- Those that are there keep theirs. Nothing is laid out anew: the version keeps
-- away programs of before, which would not find the new ones.
SELECT 1;
