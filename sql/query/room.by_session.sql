-- in: :secret
-- out: as room.by_id, then session.id, session.online_since, session.event_seq
-- What a beat needs, from the one thing that proves its right.
SELECT c.id, c.company, c.public_id, c.platform, c.inbox, c.name,
	c.online_since, c.last_beat_at, c.due_at,
	s.id, s.online_since, s.event_seq
FROM session s JOIN conversation c ON c.id = s.conversation
WHERE s.secret = :secret;
