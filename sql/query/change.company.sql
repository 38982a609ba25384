-- in: :company, :inboxes (JSON array, or NULL: all), :after, :limit
-- out: as change.all
-- What an agent may see.
SELECT c.seq, c.company, pl_id(coalesce(v.public_id, c.public_id)), c.session,
	c.kind, c.reason, c.at, c.status, c.connections, c.at + c.lease
FROM change c INDEXED BY "change#company" LEFT JOIN conversation v
	ON v.id = c.conversation AND v.company = c.company
WHERE c.company = :company AND c.seq > :after
	AND (v.id IS NOT NULL OR c.conversation IS NULL)
	AND (:inboxes IS NULL OR coalesce(v.inbox, c.inbox)
		IN (SELECT value FROM json_each(:inboxes)))
ORDER BY c.seq LIMIT :limit;
