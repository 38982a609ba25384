-- in: :name, :conversation
-- out: -
INSERT INTO session (name, conversation) VALUES (:name, :conversation);
