-- in: :company
-- out: -
-- And with it its agents, their sign-ins, its origins. What may be much goes
-- before, in portions.
DELETE FROM company WHERE id = :company;
