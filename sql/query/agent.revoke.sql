-- in: :company, :name, :now
-- out: id
-- The row stays, for the list; the token and all cookies are worth nothing.
UPDATE agent SET revoked_at = :now
WHERE company = :company AND name = :name AND revoked_at IS NULL
RETURNING id;
