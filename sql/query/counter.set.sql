-- in: :seq, :now, :rights (1: somebody's have changed)
-- out: -
-- At the end of every transaction that changed something.
UPDATE counter SET seq = :seq, at = :now, rights = rights + :rights;
