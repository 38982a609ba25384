-- in: as tab.update
-- out: -
-- A tab that has no row yet, or was forgotten in the same turn.
INSERT OR REPLACE INTO tab (conversation, session, tab, state, hidden, message,
	rev, beat_at, changed_at, expires_at, typing_until)
VALUES (:conversation, :session, :tab, :state, :hidden, :message,
	:rev, :beat_at, :changed_at, :expires_at, :typing_until);
