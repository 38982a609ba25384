-- in: :company, :inboxes (JSON array, or NULL: all), :after, :limit
-- out: as change.all
-- What an agent may see.
SELECT seq, company, public_id, session, kind, reason, at, status,
	connections, expires_at
FROM change INDEXED BY "change#company"
WHERE company = :company AND seq > :after
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)))
ORDER BY seq LIMIT :limit;
