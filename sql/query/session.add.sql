-- in: :conversation, :secret, :now
-- out: -
INSERT INTO session (conversation, secret, created_at)
VALUES (:conversation, :secret, :now);
