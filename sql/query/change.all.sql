-- in: :after, :limit
-- out: seq, company, public_id, session, kind, reason, at, status, connections,
--      expires_at
-- What a process hands on to the polls that it holds. Of a conversation that
-- is gone only those rows are told that were kept (change.keep).
SELECT c.seq, c.company, pl_id(coalesce(v.public_id, c.public_id)), c.session,
	c.kind, c.reason, c.at, c.status, c.connections, c.at + c.lease
FROM change c LEFT JOIN conversation v
	ON v.id = c.conversation AND v.company = c.company
WHERE c.seq > :after AND (v.id IS NOT NULL OR c.conversation IS NULL)
ORDER BY c.seq LIMIT :limit;
