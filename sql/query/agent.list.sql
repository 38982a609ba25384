-- in: :company (0: all)
-- out: company.name, agent.name, inboxes, created_at, revoked_at
SELECT c.name, a.name, a.inboxes, a.created_at, a.revoked_at
FROM agent a JOIN company c ON c.id = a.company
WHERE :company = 0 OR a.company = :company
ORDER BY c.name, a.name, a.id;
