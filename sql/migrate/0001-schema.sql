-- The first schema. Times are milliseconds since 1970 (UTC), secrets are
-- kept as SHA-256 of what was given out. Indices are named table#columns.

-- One row: the state of the whole store. seq is the last number given to a
-- change; whoever writes counts it up, so that it orders all that happened.
CREATE TABLE counter (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	epoch   TEXT    NOT NULL CHECK (length(epoch) = 16),
	seq     INTEGER NOT NULL,
	at      INTEGER NOT NULL,	-- clock of the last write: shows a step back
	pruned  INTEGER NOT NULL	-- highest seq that retention has taken away
) STRICT;

CREATE TABLE company (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL UNIQUE CHECK (name <> ''),
	api_key     BLOB    NOT NULL UNIQUE CHECK (length(api_key) = 32),
	site_key    TEXT    NOT NULL UNIQUE,	-- public: stands in the page
	created_at  INTEGER NOT NULL
) STRICT;

-- Where a company's pages may be served from (CORS).
CREATE TABLE origin (
	origin   TEXT    NOT NULL,
	company  INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	PRIMARY KEY (origin, company)
) STRICT, WITHOUT ROWID;
CREATE INDEX "origin#company" ON origin (company);

CREATE TABLE agent (
	id          INTEGER PRIMARY KEY,
	company     INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	name        TEXT    NOT NULL CHECK (name <> ''),
	token       BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
	inboxes     TEXT,	-- JSON array of names; NULL: all of them
	created_at  INTEGER NOT NULL,
	revoked_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX "agent#company,name" ON agent (company, name)
	WHERE revoked_at IS NULL;

-- An agent's session in a browser: what its cookie stands for.
CREATE TABLE login (
	secret      BLOB    NOT NULL PRIMARY KEY CHECK (length(secret) = 32),
	agent       INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
	expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX "login#agent" ON login (agent);
CREATE INDEX "login#expires_at" ON login (expires_at);

-- One customer's chat. due_at is never later than the next moment at which
-- something here runs out; it may be earlier, for a beat moves it only now
-- and then: who looks too early just looks again.
CREATE TABLE conversation (
	id            INTEGER PRIMARY KEY,
	company       INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	public_id     TEXT    NOT NULL CHECK (length(public_id) BETWEEN 1 AND 128),
	platform      TEXT    NOT NULL CHECK (platform <> ''),
	inbox         TEXT    NOT NULL DEFAULT '',
	name          TEXT,
	email         TEXT,
	created_at    INTEGER NOT NULL,
	online_since  INTEGER,
	last_beat_at  INTEGER,
	due_at        INTEGER,
	UNIQUE (company, public_id)
) STRICT;
CREATE INDEX "conversation#due_at" ON conversation (due_at)
	WHERE due_at IS NOT NULL;
CREATE INDEX "conversation#company,online_since" ON conversation
	(company, online_since, id) WHERE online_since IS NOT NULL;

-- A browser profile or device of the customer.
CREATE TABLE session (
	id            INTEGER PRIMARY KEY,
	conversation  INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
	secret        BLOB    NOT NULL UNIQUE CHECK (length(secret) = 16),
	created_at    INTEGER NOT NULL,
	online_since  INTEGER,
	event_seq     INTEGER NOT NULL DEFAULT 0,	-- its last row in change
	UNIQUE (conversation, id)
) STRICT;

-- The leases: one loaded page each. Live while now < expires_at. A tab that
-- is gone is remembered for a while, so that late packets revive nobody.
-- Its name is only ever compared, so a hash of it is kept.
CREATE TABLE tab (
	conversation  INTEGER NOT NULL,
	session       INTEGER NOT NULL,
	tab           INTEGER NOT NULL,
	state         INTEGER NOT NULL CHECK (state IN (0, 1, 2)),	-- gone, live, left
	hidden        INTEGER NOT NULL CHECK (hidden IN (0, 1)),
	message       INTEGER NOT NULL,	-- seq of its last message
	rev           INTEGER NOT NULL,	-- counter.seq at its last change
	beat_at       INTEGER NOT NULL,
	changed_at    INTEGER NOT NULL,
	expires_at    INTEGER NOT NULL,
	typing_until  INTEGER NOT NULL,
	PRIMARY KEY (conversation, session, tab),
	FOREIGN KEY (conversation, session)
		REFERENCES session (conversation, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX "tab#rev" ON tab (rev);

-- The stream: one row for each coming and going of a session. It stands by
-- itself: what the conversation was after the event is written down with it.
CREATE TABLE change (
	seq           INTEGER PRIMARY KEY,
	company       INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	inbox         TEXT    NOT NULL,
	public_id     TEXT    NOT NULL,
	session       BLOB    NOT NULL,
	kind          INTEGER NOT NULL CHECK (kind IN (0, 1)),	-- offline, online
	reason        INTEGER NOT NULL CHECK (reason IN (0, 1, 2)),	-- none, left, timeout
	at            INTEGER NOT NULL,
	recorded_at   INTEGER NOT NULL,
	status        INTEGER NOT NULL CHECK (status IN (0, 1, 2)),	-- offline, away, online
	connections   INTEGER NOT NULL,
	expires_at    INTEGER
) STRICT;
CREATE INDEX "change#company" ON change (company);
