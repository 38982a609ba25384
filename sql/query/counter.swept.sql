-- in: :swept
-- out: -
UPDATE counter SET swept = :swept;
