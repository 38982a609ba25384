-- in: :company
-- out: -
DELETE FROM agent WHERE company = :company;
