-- in: :id
-- out: -
DELETE FROM session WHERE id = :id;
