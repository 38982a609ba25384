-- in: :company, :limit
-- out: -
-- Some of a company's, in no order: nobody is left to read them.
DELETE FROM change WHERE seq IN (
	SELECT seq FROM change INDEXED BY "change#company"
	WHERE company = :company LIMIT :limit);
