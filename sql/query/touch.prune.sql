-- in: :upto
-- out: -
DELETE FROM touch WHERE seq <= :upto;
