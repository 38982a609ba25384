-- in: -
-- out: due_at
-- The moment at which somebody has to look again; no row if never.
SELECT due_at FROM conversation
WHERE due_at IS NOT NULL
ORDER BY due_at LIMIT 1;
