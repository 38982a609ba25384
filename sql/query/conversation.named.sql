-- in: :name, :company, :public_id, :inboxes (JSON array, or NULL: all)
-- out: id
-- What an agent may see; no row where there is none or he may not.
SELECT c.id
FROM name n CROSS JOIN conversation c ON c.id = n.conversation
WHERE n.name = :name AND c.company = :company AND c.public_id = :public_id
	AND (:inboxes IS NULL
		OR c.inbox IN (SELECT value FROM json_each(:inboxes)));
