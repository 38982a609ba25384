-- in: :company, :ids (JSON array), :inboxes (JSON array, or NULL: all)
-- out: count(*)
-- How many of those conversations an agent may see.
SELECT count(*)
FROM json_each(:ids) AS asked CROSS JOIN conversation
WHERE company = :company AND public_id = asked.value
	AND (:inboxes IS NULL
		OR inbox IN (SELECT value FROM json_each(:inboxes)));
