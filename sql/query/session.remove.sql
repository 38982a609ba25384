-- in: :name
-- out: -
DELETE FROM session WHERE name = :name;
