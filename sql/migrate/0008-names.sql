-- Conversations and sessions by one small table of numbers, instead of by an
-- index that has every public id a second time and a table of sessions. A
-- name may be several conversations': who looks compares the whole
-- (lib/sqlite_name.c). That a company has an id once is seen to by who adds.
-- A name has 47 bits, so that SQLite keeps it in 6 bytes; a session's are the
-- first of its secret, so of its name until now.
CREATE TABLE name (
	name          INTEGER NOT NULL,
	conversation  INTEGER NOT NULL,
	PRIMARY KEY (name, conversation)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO name
	SELECT pl_conversation_name(epoch, company, public_id) AS name, id
		FROM conversation, counter
	UNION ALL
	SELECT name >> 17 & 140737488355327, conversation FROM session
	ORDER BY 1, 2;
DROP TABLE session;

-- Of a company's conversations each is in the second index now, the offline
-- ones too: it is what a company is removed by. An id of our own is kept as
-- its bytes: 'conv_' || lower(hex(public_id)). And nearly all are a widget's, so
-- that is what is said by saying nothing. AUTOINCREMENT: the stream may still
-- have rows with the number of one that is gone.
CREATE TABLE conversation_8 (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	company       INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	public_id     ANY     NOT NULL CHECK (length(public_id) BETWEEN 1 AND 128),
	platform      TEXT    CHECK (platform <> ''),	-- NULL: WIDGET
	inbox         TEXT    NOT NULL DEFAULT '',
	name          TEXT,
	email         TEXT,
	created_at    INTEGER NOT NULL,
	online_since  INTEGER,
	last_beat_at  INTEGER,
	due_at        INTEGER,
	room          BLOB
) STRICT;
INSERT INTO conversation_8
	SELECT id, company, pl_pack_id(public_id), nullif(platform, 'WIDGET'),
		inbox, name, email, created_at, online_since, last_beat_at, due_at, room
	FROM conversation ORDER BY id;
DROP TABLE conversation;
ALTER TABLE conversation_8 RENAME TO conversation;
CREATE INDEX "conversation#due_at" ON conversation (due_at)
	WHERE due_at IS NOT NULL;
CREATE INDEX "conversation#company,online_since" ON conversation
	(company, online_since);
