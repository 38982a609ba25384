-- in: as tab.update, in the same order
-- out: -
-- A tab that has no row yet, or was forgotten in the same turn.
INSERT OR REPLACE INTO tab (state, hidden, message, rev, beat_at, changed_at,
	expires_at, typing_until, conversation, session, tab)
VALUES (:state, :hidden, :message, :rev, :beat_at, :changed_at,
	:expires_at, :typing_until, :conversation, :session, :tab);
