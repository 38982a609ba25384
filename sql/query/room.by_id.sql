-- in: :id, :company (NULL: any), :inboxes (JSON array, or NULL: all)
-- out: id, company, public_id, platform, inbox, name, online_since,
--      last_beat_at, due_at, room
SELECT id, company, pl_id(public_id), coalesce(platform, 'WIDGET'), inbox,
	name, online_since, last_beat_at, due_at, room
FROM conversation
WHERE id = :id AND (:company IS NULL OR company = :company)
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)));
