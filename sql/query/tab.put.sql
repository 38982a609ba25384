-- in: :conversation, :session, :tab, :state, :hidden, :message, :rev,
--     :beat_at, :changed_at, :expires_at, :typing_until
-- out: -
-- The write that a beat is.
INSERT INTO tab (conversation, session, tab, state, hidden, message, rev,
	beat_at, changed_at, expires_at, typing_until)
VALUES (:conversation, :session, :tab, :state, :hidden, :message, :rev,
	:beat_at, :changed_at, :expires_at, :typing_until)
ON CONFLICT (conversation, session, tab) DO UPDATE
SET state = excluded.state, hidden = excluded.hidden,
	message = excluded.message, rev = excluded.rev,
	beat_at = excluded.beat_at, changed_at = excluded.changed_at,
	expires_at = excluded.expires_at,
	typing_until = excluded.typing_until;
