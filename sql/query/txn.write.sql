-- in: -
-- A transaction that writes; SQLITE_BUSY comes here or nowhere.
BEGIN IMMEDIATE;
