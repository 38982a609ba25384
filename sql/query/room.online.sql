-- in: :company, :inboxes (JSON array, or NULL: all), :since, :id, :limit
-- out: id
-- The online conversations below (:since, :id), the latest to come first.
SELECT id FROM conversation
WHERE company = :company AND online_since IS NOT NULL
	AND (online_since, id) < (:since, :id)
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)))
ORDER BY online_since DESC, id DESC LIMIT :limit;
