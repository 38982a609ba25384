-- in: :after, :limit
-- out: conversation, rev
-- The same for who is further behind than the list goes: reads all tabs.
SELECT conversation, rev FROM tab
WHERE rev > :after ORDER BY rev LIMIT :limit;
