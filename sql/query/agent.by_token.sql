-- in: :token
-- out: id, company, name, inboxes, 0
SELECT id, company, name, inboxes, 0 FROM agent
WHERE token = :token AND revoked_at IS NULL;
