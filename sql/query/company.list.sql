-- in: -
-- out: id, name, site_key, created_at
SELECT id, name, site_key, created_at FROM company ORDER BY name;
