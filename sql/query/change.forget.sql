-- in: :company, :public_id
-- out: -
DELETE FROM change WHERE company = :company AND public_id = :public_id;
