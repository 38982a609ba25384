-- in: :seq, :now, :numbers
-- out: -
-- At the end of every transaction that changed something.
INSERT INTO touch (seq, at, numbers) VALUES (:seq, :now, :numbers);
