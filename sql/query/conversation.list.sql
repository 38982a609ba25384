-- in: :company (0: all), :limit
-- out: company.name, public_id, platform, inbox, name, created_at,
--      online_since, last_beat_at
-- For the operator, the newest first.
SELECT c.name, pl_id(v.public_id), coalesce(v.platform, 'WIDGET'), v.inbox,
	v.name, v.created_at, v.online_since, v.last_beat_at
FROM conversation v JOIN company c ON c.id = v.company
WHERE :company = 0 OR v.company = :company
ORDER BY v.id DESC LIMIT :limit;
