-- in: :horizon, :limit
-- out: seq
-- The oldest rows, as far as they were recorded before :horizon. Stops at the
-- first that is younger, so that it costs nothing where nothing is old.
DELETE FROM change WHERE seq IN (
	SELECT seq FROM (
		SELECT seq, recorded_at FROM change ORDER BY seq LIMIT :limit)
	WHERE recorded_at < :horizon)
RETURNING seq;
