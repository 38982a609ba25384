-- in: :name, :company, :public_id, :session (NULL: of all)
-- out: seq
-- Those of the conversation, and of what was called so before it.
DELETE FROM change WHERE company = :company
	AND (public_id = :public_id OR conversation = (SELECT c.id
		FROM name n CROSS JOIN conversation c ON c.id = n.conversation
		WHERE n.name = :name AND c.company = :company
			AND c.public_id = :public_id))
	AND (:session IS NULL OR session = :session)
RETURNING seq;
