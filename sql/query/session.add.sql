-- in: :conversation, :secret
-- out: -
INSERT INTO session (conversation, id, secret)
SELECT :conversation, coalesce(max(id), 0) + 1, :secret
FROM session WHERE conversation = :conversation;
