-- in: :company, :conversations (JSON array), :ids (JSON array), :inboxes (JSON
--     array, or NULL: all), :after, :limit
-- out: as change.all
-- What happened in the conversations that an agent watches: those that are
-- there by their numbers, those that are gone by what they were called.
SELECT c.seq, c.company, pl_id(coalesce(v.public_id, c.public_id)), c.session,
	c.kind, c.reason, c.at, c.status, c.connections, c.at + c.lease
FROM change c INDEXED BY "change#company" LEFT JOIN conversation v
	ON v.id = c.conversation AND v.company = c.company
WHERE c.company = :company AND c.seq > :after
	AND (c.conversation IN (SELECT value FROM json_each(:conversations))
		OR c.public_id IN (
			SELECT pl_pack_id(value) FROM json_each(:ids)))
	AND (:inboxes IS NULL OR coalesce(v.inbox, c.inbox)
		IN (SELECT value FROM json_each(:inboxes)))
ORDER BY c.seq LIMIT :limit;
