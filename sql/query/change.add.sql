-- in: :seq, :company, :conversation, :session, :kind, :reason, :at, :delay,
--     :status, :connections, :lease
-- out: -
INSERT INTO change (seq, company, conversation, session, kind, reason, at,
	delay, status, connections, lease)
VALUES (:seq, :company, :conversation, :session, :kind, :reason, :at,
	:delay, :status, :connections, :lease);
