-- in: :company, :name
-- out: id, company, name, inboxes, 0, revoked_at
-- The one that is not revoked, if there is one (NULL sorts first).
SELECT id, company, name, inboxes, 0, revoked_at FROM agent
WHERE company = :company AND name = :name
ORDER BY revoked_at LIMIT 1;
