-- in: :company
-- out: as room.by_id
SELECT id, company, pl_id(public_id), coalesce(platform, 'WIDGET'), inbox,
	name, online_since, last_beat_at, due_at, room
FROM conversation WHERE company = :company;
