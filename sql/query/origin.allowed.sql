-- in: :origin, :company (0: any)
-- out: 1, or no row
SELECT 1 FROM origin
WHERE origin = :origin AND (:company = 0 OR company = :company) LIMIT 1;
