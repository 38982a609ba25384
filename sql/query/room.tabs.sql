-- in: :id
-- out: session.id, secret, online_since, event_seq, tab, state, hidden,
--      message, rev, beat_at, changed_at, expires_at, typing_until
-- All leases of a conversation, session by session.
SELECT s.id, s.secret, s.online_since, s.event_seq, t.tab, t.state,
	t.hidden, t.message, t.rev, t.beat_at, t.changed_at, t.expires_at,
	t.typing_until
FROM tab t JOIN session s ON s.conversation = t.conversation AND s.id = t.session
WHERE t.conversation = :id
ORDER BY t.session;
