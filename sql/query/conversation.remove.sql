-- in: :id
-- out: -
DELETE FROM conversation WHERE id = :id;
