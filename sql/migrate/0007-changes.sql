-- The stream names a conversation by its number, and other times by how far
-- they are from its own: a row takes 50 bytes, where it had 84. What a
-- conversation is called, and its inbox, never change while it is there, so its
-- own row tells them. What is to be told when it is gone has both here; an id of
-- our own is kept as its bytes ('conv_' || lower(hex(public_id))).
CREATE TABLE change_7 (
	seq           INTEGER PRIMARY KEY,
	company       INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	conversation  INTEGER,	-- NULL: it is gone, and was
	public_id     ANY,
	inbox         TEXT,
	session       BLOB    NOT NULL,
	kind          INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),	-- offline, online
	reason        INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 2),	-- none, left, timeout
	at            INTEGER NOT NULL,
	delay         INTEGER NOT NULL,	-- from then until it was recorded
	status        INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),	-- offline, away, online
	connections   INTEGER NOT NULL,
	lease         INTEGER,	-- from then until it expires
	CHECK ((conversation IS NULL) = (public_id IS NOT NULL)),
	CHECK ((conversation IS NULL) = (inbox IS NOT NULL))
) STRICT;
INSERT INTO change_7
	SELECT c.seq, c.company, v.id,
		iif(v.id IS NULL, pl_pack_id(c.public_id), NULL),
		iif(v.id IS NULL, c.inbox, NULL), c.session, c.kind, c.reason,
		c.at, c.recorded_at - c.at, c.status, c.connections,
		c.expires_at - c.at
	FROM change c LEFT JOIN conversation v ON v.company = c.company
		AND v.public_id = c.public_id AND v.inbox = c.inbox
	ORDER BY c.seq;
DROP TABLE change;
ALTER TABLE change_7 RENAME TO change;
CREATE INDEX "change#company" ON change (company);
