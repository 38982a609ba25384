-- in: -
-- out: companies, agents, conversations, online conversations, changes
-- For the operator; reads whole tables.
SELECT (SELECT count(*) FROM company),
	(SELECT count(*) FROM agent WHERE revoked_at IS NULL),
	(SELECT count(*) FROM conversation),
	(SELECT count(*) FROM conversation WHERE online_since IS NOT NULL),
	(SELECT count(*) FROM change);
