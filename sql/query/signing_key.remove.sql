-- in: :company, :id
-- out: id
DELETE FROM signing_key WHERE company = :company AND id = :id
RETURNING id;
