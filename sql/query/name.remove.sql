-- in: :name, :conversation
-- out: -
DELETE FROM name WHERE name = :name AND conversation = :conversation;
