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

-- Counted up by whatever takes a right away. (Not by triggers: each process
-- of plain CGI would have to read them first, 4 % of a beat.)
ALTER TABLE counter ADD COLUMN rights INTEGER NOT NULL DEFAULT 0;
