-- in: :api_key
-- out: id
SELECT id FROM company WHERE api_key = :api_key;
