-- in: :now
-- out: -
-- Beside each sign-in, so that the table stays small without a sweeper.
DELETE FROM login WHERE expires_at <= :now;
