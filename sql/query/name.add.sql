-- in: :name, :conversation
-- out: -
INSERT INTO name (name, conversation) VALUES (:name, :conversation);
