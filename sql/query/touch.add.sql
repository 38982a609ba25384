-- in: :seq, :numbers
-- out: -
INSERT INTO touch (seq, numbers) VALUES (:seq, :numbers);
