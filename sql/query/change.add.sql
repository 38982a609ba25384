-- in: :seq, :company, :inbox, :public_id, :session, :kind, :reason, :at, :now,
--     :status, :connections, :expires_at
-- out: -
INSERT INTO change (seq, company, inbox, public_id, session, kind, reason,
	at, recorded_at, status, connections, expires_at)
VALUES (:seq, :company, :inbox, :public_id, :session, :kind, :reason,
	:at, :now, :status, :connections, :expires_at);
