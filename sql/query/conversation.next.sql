-- in: -
-- out: the number that the next one has
SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence
WHERE name = 'conversation';
