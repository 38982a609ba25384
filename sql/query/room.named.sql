-- in: :name, :company, :public_id, :inboxes (JSON array, or NULL: all)
-- out: as room.by_id
-- What an agent asks for; no row where there is none or he may not see it.
SELECT c.id, c.company, pl_id(c.public_id), coalesce(c.platform, 'WIDGET'),
	c.inbox, c.name, c.online_since, c.last_beat_at, c.due_at, c.room
FROM name n CROSS JOIN conversation c ON c.id = n.conversation
WHERE n.name = :name AND c.company = :company AND c.public_id = :public_id
	AND (:inboxes IS NULL
		OR c.inbox IN (SELECT value FROM json_each(:inboxes)));
