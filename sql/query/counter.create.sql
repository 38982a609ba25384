-- in: :epoch, :now
-- out: -
-- Once, when the database is made.
INSERT INTO counter (one, epoch, seq, at, pruned)
VALUES (1, :epoch, 0, :now, 0);
