-- in: :company
-- out: -
DELETE FROM signing_key WHERE company = :company;
