-- in: :name
-- out: id
SELECT id FROM company WHERE name = :name;
