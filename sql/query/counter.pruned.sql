-- in: :pruned
-- out: -
UPDATE counter SET pruned = max(pruned, :pruned);
