-- in: :company, :name, :token, :inboxes, :now
-- out: -
INSERT INTO agent (company, name, token, inboxes, created_at)
VALUES (:company, :name, :token, :inboxes, :now);
