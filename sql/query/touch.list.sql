-- in: :after
-- out: seq, numbers
-- What changed after :after, in order: the beats among it have no row in the
-- stream. The first row may begin before.
SELECT seq, numbers FROM touch WHERE seq > :after ORDER BY seq;
