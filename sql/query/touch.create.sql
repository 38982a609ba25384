-- in: :now
-- out: -
-- Once, when the database is made.
INSERT INTO touch (seq, at, numbers)
SELECT 0, :now, x'' WHERE NOT EXISTS (SELECT 1 FROM touch);
