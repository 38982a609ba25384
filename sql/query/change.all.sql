-- in: :after, :limit
-- out: seq, company, public_id, session, kind, reason, at, status, connections,
--      expires_at
-- What a process hands on to the polls that it holds.
SELECT seq, company, public_id, session, kind, reason, at, status,
	connections, expires_at
FROM change WHERE seq > :after ORDER BY seq LIMIT :limit;
