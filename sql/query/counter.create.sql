-- in: :epoch
-- out: -
-- Once, when the database is made.
INSERT INTO counter (one, epoch, pruned)
SELECT 1, :epoch, 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
