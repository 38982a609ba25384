-- in: :seq, :conversation
-- out: -
-- Of a tab that was given a new number; it may be written twice in a turn.
INSERT OR IGNORE INTO touch (seq, conversation) VALUES (:seq, :conversation);
