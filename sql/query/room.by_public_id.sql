-- in: :company, :public_id, :inboxes (JSON array, or NULL: all)
-- out: as room.by_id
-- What an agent asks for; no row where there is none or he may not see it.
SELECT id, company, public_id, platform, inbox, name, online_since,
	last_beat_at, due_at, room
FROM conversation
WHERE company = :company AND public_id = :public_id
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)));
