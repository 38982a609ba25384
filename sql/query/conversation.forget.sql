-- in: :company, :limit
-- out: -
-- Some of a company's, with their sessions and tabs.
DELETE FROM conversation WHERE id IN (
	SELECT id FROM conversation WHERE company = :company LIMIT :limit);
