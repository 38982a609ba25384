-- The keys with which host applications sign for their agents (JWT), and a
-- number by which those who wait learn that a right may have ended.

-- Kept as they are: a signature cannot be checked with less. AUTOINCREMENT: a
-- held poll knows its key by the id, which must never become another's.
CREATE TABLE signing_key (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	company     INTEGER NOT NULL REFERENCES company ON DELETE CASCADE,
	secret      TEXT    NOT NULL UNIQUE CHECK (length(secret) >= 32),
	created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX "signing_key#company" ON signing_key (company);

-- For users whom the web server knows: was there an agent of that name?
CREATE INDEX "agent#company,name,revoked_at" ON agent (company, name, revoked_at);

-- Counted up by whatever takes a right away, and be it by hand.
ALTER TABLE counter ADD COLUMN rights INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER "agent#update" AFTER UPDATE ON agent
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "agent#delete" AFTER DELETE ON agent
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "agent#insert" AFTER INSERT ON agent
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "login#delete" AFTER DELETE ON login
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "signing_key#delete" AFTER DELETE ON signing_key
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "company#update" AFTER UPDATE ON company
BEGIN UPDATE counter SET rights = rights + 1; END;
CREATE TRIGGER "company#delete" AFTER DELETE ON company
BEGIN UPDATE counter SET rights = rights + 1; END;
