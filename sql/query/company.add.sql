-- in: :name, :api_key, :site_key, :now
-- out: -
INSERT INTO company (name, api_key, site_key, created_at)
VALUES (:name, :api_key, :site_key, :now);
