-- in: :horizon, :limit
-- out: seq
-- The oldest :limit rows, as far as they were recorded before :horizon.
DELETE FROM change WHERE seq IN (
	SELECT seq FROM (
		SELECT seq, at + delay AS recorded_at
		FROM change ORDER BY seq LIMIT :limit)
	WHERE recorded_at < :horizon)
RETURNING seq;
