-- in: :after, :limit
-- out: conversation, rev
-- What changed after :after, in order: the beats among it have no row in the
-- stream.
SELECT conversation, rev FROM tab
WHERE rev > :after ORDER BY rev LIMIT :limit;
