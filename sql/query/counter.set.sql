-- in: :seq, :now
-- out: -
-- At the end of every transaction that changed something.
UPDATE counter SET seq = :seq, at = :now;
