-- in: -
-- Forgets it. Prepared when the store is opened: without memory it must work.
ROLLBACK;
