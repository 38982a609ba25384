-- in: :limit
-- out: swept, and the id up to which the next :limit conversations go (NULL:
--      that was the last of them)
SELECT swept, (SELECT max(id) FROM (
	SELECT id FROM conversation WHERE id > counter.swept
	ORDER BY id LIMIT :limit))
FROM counter;
