-- in: :room, :id
-- out: -
-- The write that a beat is: nothing of it is in an index.
UPDATE conversation SET room = :room WHERE id = :id;
