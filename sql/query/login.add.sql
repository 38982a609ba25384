-- in: :secret, :agent, :expires_at
-- out: -
INSERT INTO login (secret, agent, expires_at)
VALUES (:secret, :agent, :expires_at);
