-- in: -
-- out: data_version
-- Changes when another connection has committed; costs some 3 us.
PRAGMA data_version;
