-- in: -
-- out: -
-- Somebody's rights have changed.
UPDATE counter SET rights = rights + 1;
