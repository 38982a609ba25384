-- in: :state, :hidden, :message, :rev, :beat_at, :changed_at, :expires_at,
--     :typing_until, :conversation, :session, :tab
-- out: -
-- The write that a beat is.
UPDATE tab SET state = :state, hidden = :hidden, message = :message,
	rev = :rev, beat_at = :beat_at, changed_at = :changed_at,
	expires_at = :expires_at, typing_until = :typing_until
WHERE conversation = :conversation AND session = :session AND tab = :tab;
