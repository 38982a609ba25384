-- How far the search for conversations that nobody comes to any more has got:
-- their id. It goes round and round, a few at a time.
ALTER TABLE counter ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
