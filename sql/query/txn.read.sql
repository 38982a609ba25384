-- in: -
-- A transaction that sees one state of the store.
BEGIN;
