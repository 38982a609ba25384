-- in: :company, :ids (JSON array), :inboxes (JSON array, or NULL: all), :after,
--     :limit
-- out: as change.all
-- What happened in the conversations that an agent watches.
SELECT seq, company, public_id, session, kind, reason, at, status,
	connections, expires_at
FROM change INDEXED BY "change#company"
WHERE company = :company AND seq > :after
	AND public_id IN (SELECT value FROM json_each(:ids))
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)))
ORDER BY seq LIMIT :limit;
