-- What the PHP peer keeps. Times are in microseconds.
PRAGMA journal_mode = WAL;

CREATE TABLE sessions (
	id TEXT PRIMARY KEY,
	conversation_id TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE tabs (
	session_id TEXT NOT NULL,
	tab_id TEXT NOT NULL,
	conversation_id TEXT NOT NULL,
	online_since INTEGER NOT NULL,
	last_beat INTEGER NOT NULL,
	PRIMARY KEY (session_id, tab_id)
) WITHOUT ROWID;

CREATE INDEX tabs_by_conversation ON tabs (conversation_id);
