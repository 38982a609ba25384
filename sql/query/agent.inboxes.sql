-- in: :company, :name, :inboxes
-- out: id
UPDATE agent SET inboxes = :inboxes
WHERE company = :company AND name = :name AND revoked_at IS NULL
RETURNING id;
