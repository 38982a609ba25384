-- in: :conversation, :keep
-- out: -
-- Keeps the number of sessions of a conversation bounded: the oldest of those
-- that are not here make room.
DELETE FROM session WHERE conversation = :conversation AND id IN (
	SELECT id FROM session
	WHERE conversation = :conversation AND online_since IS NULL
	ORDER BY id DESC LIMIT -1 OFFSET :keep);
