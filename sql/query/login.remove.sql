-- in: :secret
-- out: -
DELETE FROM login WHERE secret = :secret;
