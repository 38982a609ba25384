-- in: :company, :public_id, :conversation (NULL: none), :session (NULL: of all)
-- out: seq
-- Those of the conversation, and of what was called so before it; of a session
-- alone, wherever it was.
DELETE FROM change WHERE company = :company
	AND (public_id = :public_id OR conversation = :conversation
		OR coalesce(:public_id, :conversation) IS NULL)
	AND (:session IS NULL OR session = :session)
RETURNING seq;
