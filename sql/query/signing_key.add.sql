-- in: :company, :secret, :now
-- out: id
INSERT INTO signing_key (company, secret, created_at)
VALUES (:company, :secret, :now)
RETURNING id;
