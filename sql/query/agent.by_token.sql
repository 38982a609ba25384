-- in: :token
-- out: id, company, name, inboxes
SELECT id, company, name, inboxes FROM agent
WHERE token = :token AND revoked_at IS NULL;
