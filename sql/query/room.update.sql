-- in: :id, :online_since, :last_beat_at, :due_at, :room
-- out: -
UPDATE conversation
SET online_since = :online_since, last_beat_at = :last_beat_at,
	due_at = :due_at, room = :room
WHERE id = :id;
