-- in: :after, :upto, :horizon
-- out: id
-- Those in which nobody has been since :horizon. Other platforms' have no
-- presence: whether they are in use is not known here.
SELECT id FROM conversation
WHERE id > :after AND id <= :upto AND online_since IS NULL
	AND platform IS NULL AND coalesce(last_beat_at, created_at) < :horizon;
