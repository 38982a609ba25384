-- The leases, laid out for what a beat touches: few pages and few indices.
--
-- Sessions lie beside those of their conversation, numbered in it, so that
-- neither they nor the tabs need an index to find them by. What changed last
-- is a short list of its own instead of an index over all tabs: a row at its
-- end, where an index had one taken out in the middle too. And a CHECK with a
-- list of three numbers makes SQLite (3.40) open a table for that list, at
-- each row: half of what a beat cost.

CREATE TABLE session_4 (
	conversation  INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
	id            INTEGER NOT NULL,	-- in the conversation
	secret        BLOB    NOT NULL UNIQUE CHECK (length(secret) = 16),
	online_since  INTEGER,
	event_seq     INTEGER NOT NULL DEFAULT 0,	-- its last row in change
	PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
INSERT INTO session_4
	SELECT conversation,
		row_number() OVER (PARTITION BY conversation ORDER BY id),
		secret, online_since, event_seq
	FROM session ORDER BY conversation, id;

CREATE TABLE tab_4 (
	conversation  INTEGER NOT NULL,
	session       INTEGER NOT NULL,
	tab           INTEGER NOT NULL,
	state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),	-- gone, live, left
	hidden        INTEGER NOT NULL CHECK (hidden BETWEEN 0 AND 1),
	message       INTEGER NOT NULL,	-- seq of its last message
	rev           INTEGER NOT NULL,	-- counter.seq at its last change
	beat_at       INTEGER NOT NULL,
	changed_at    INTEGER NOT NULL,
	expires_at    INTEGER NOT NULL,
	typing_until  INTEGER NOT NULL,
	PRIMARY KEY (conversation, session, tab),
	FOREIGN KEY (conversation, session)
		REFERENCES session_4 ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO tab_4
	SELECT t.conversation, n.id, t.tab, t.state, t.hidden, t.message, t.rev,
		t.beat_at, t.changed_at, t.expires_at, t.typing_until
	FROM tab t JOIN session s ON s.id = t.session
		JOIN session_4 n ON n.secret = s.secret
	ORDER BY t.conversation, n.id, t.tab;

DROP TABLE tab;
DROP TABLE session;
ALTER TABLE session_4 RENAME TO session;
ALTER TABLE tab_4 RENAME TO tab;

-- Which conversations changed with numbers that have no row in change: a row
-- for each transaction, under its last number, for the latest 65,536 numbers
-- (lib/sqlite_stream.c). Nobody can go on from before the list began.
CREATE TABLE touch (
	seq      INTEGER PRIMARY KEY,
	numbers  BLOB NOT NULL	-- pairs: number, conversation; 6 bytes each
) STRICT;
UPDATE counter SET pruned = seq;

CREATE TABLE change_4 (
	seq           INTEGER PRIMARY KEY,
	company       INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	inbox         TEXT    NOT NULL,
	public_id     TEXT    NOT NULL,
	session       BLOB    NOT NULL,
	kind          INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),	-- offline, online
	reason        INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 2),	-- none, left, timeout
	at            INTEGER NOT NULL,
	recorded_at   INTEGER NOT NULL,
	status        INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),	-- offline, away, online
	connections   INTEGER NOT NULL,
	expires_at    INTEGER
) STRICT;
INSERT INTO change_4 SELECT * FROM change;
DROP TABLE change;
ALTER TABLE change_4 RENAME TO change;
CREATE INDEX "change#company" ON change (company);
