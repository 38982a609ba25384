-- in: :now, :limit
-- out: id
-- The conversations to be looked at now, the longest overdue first.
SELECT id FROM conversation
WHERE due_at IS NOT NULL AND due_at <= :now
ORDER BY due_at LIMIT :limit;
