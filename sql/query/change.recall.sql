-- in: :now
-- out: -
-- The clock was set back: what was recorded while it was ahead would be kept
-- until then, and all that follows with it.
UPDATE change SET delay = :now - at WHERE at + delay > :now;
