-- in: :secret, :now
-- out: id, company, name, inboxes, expires_at
SELECT a.id, a.company, a.name, a.inboxes, l.expires_at
FROM login l JOIN agent a ON a.id = l.agent
WHERE l.secret = :secret AND l.expires_at > :now
	AND a.revoked_at IS NULL;
