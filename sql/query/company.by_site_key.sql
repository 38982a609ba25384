-- in: :site_key
-- out: id
SELECT id FROM company WHERE site_key = :site_key;
