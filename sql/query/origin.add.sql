-- in: :origin, :company
-- out: -
INSERT INTO origin (origin, company) VALUES (:origin, :company);
