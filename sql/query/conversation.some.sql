-- in: :company, :limit
-- out: id
-- Some of a company's, in no order.
SELECT id FROM conversation WHERE company = :company LIMIT :limit;
