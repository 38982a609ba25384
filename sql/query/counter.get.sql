-- in: -
-- out: epoch, seq, at, pruned, rights, due_at (NULL: never)
-- The state of the store; read at the start of every transaction.
SELECT epoch, seq, at, pruned, rights, (
	SELECT due_at FROM conversation
	WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1)
FROM touch CROSS JOIN counter ORDER BY seq DESC LIMIT 1;
