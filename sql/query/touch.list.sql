-- in: :after, :limit
-- out: conversation, seq
-- What changed after :after, in order: the beats among it have no row in the
-- stream.
SELECT conversation, seq FROM touch
WHERE seq > :after ORDER BY seq LIMIT :limit;
