-- in: :conversation, :id
-- out: -
DELETE FROM session WHERE conversation = :conversation AND id = :id;
