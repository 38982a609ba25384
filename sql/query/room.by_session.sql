-- in: :name
-- out: as room.by_id
-- What a beat needs. The name is not the whole secret: it has yet to be compared.
SELECT c.id, c.company, c.public_id, c.platform, c.inbox, c.name,
	c.online_since, c.last_beat_at, c.due_at, c.room
FROM session s JOIN conversation c ON c.id = s.conversation
WHERE s.name = :name;
