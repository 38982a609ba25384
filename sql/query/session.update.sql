-- in: :conversation, :id, :online_since, :event_seq
-- out: -
UPDATE session SET online_since = :online_since, event_seq = :event_seq
WHERE conversation = :conversation AND id = :id;
