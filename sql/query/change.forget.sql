-- in: :company, :public_id, :session (NULL: of all)
-- out: seq
DELETE FROM change WHERE company = :company AND public_id = :public_id
	AND (:session IS NULL OR session = :session)
RETURNING seq;
