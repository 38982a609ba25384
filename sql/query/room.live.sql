-- in: -
-- out: id, room
-- All conversations that have tabs. Read in a row: by the index of due_at each
-- would have to be looked up.
SELECT id, room FROM conversation NOT INDEXED WHERE due_at IS NOT NULL;
