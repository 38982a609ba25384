-- in: -
-- Keeps it.
COMMIT;
