-- in: :name
-- out: as room.by_id
-- What a beat of one that has names needs. The name is not the whole secret, and others may have it
-- too: which of them it is has yet to be compared.
SELECT c.id, c.company, pl_id(c.public_id), coalesce(c.platform, 'WIDGET'),
	c.inbox, c.name, c.online_since, c.last_beat_at, c.due_at, c.room
FROM name n CROSS JOIN conversation c ON c.id = n.conversation
WHERE n.name = :name;
