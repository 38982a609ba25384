-- in: :company
-- out: id, secret, created_at
-- The newest first: most of what is signed is signed with it.
SELECT id, secret, created_at FROM signing_key
WHERE company = :company ORDER BY id DESC;
