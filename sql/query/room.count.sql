-- in: :most
-- out: n
-- How many conversations somebody is in, as far as :most.
SELECT count(*) FROM (
	SELECT 1 FROM company o CROSS JOIN conversation c
			INDEXED BY "conversation#company,online_since"
		ON c.company = o.id AND c.online_since > 0
	LIMIT :most);
