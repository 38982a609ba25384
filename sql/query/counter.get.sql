-- in: -
-- out: epoch, seq, at, pruned, rights
-- The state of the store; read at the start of every transaction.
SELECT epoch, seq, at, pruned, rights FROM counter;
