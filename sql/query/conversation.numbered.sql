-- in: :id, :company, :public_id, :inboxes (JSON array, or NULL: all)
-- out: id
-- As conversation.named, by the number in the public id.
SELECT id FROM conversation
WHERE id = :id AND company = :company AND public_id = :public_id
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)));
