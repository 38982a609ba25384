-- in: :company, :public_id, :platform, :inbox, :name, :email, :now
-- out: id
-- That it is not there yet is the caller's to see to.
INSERT INTO conversation (company, public_id, platform, inbox, name, email,
	created_at)
VALUES (:company, pl_pack_id(:public_id), nullif(:platform, 'WIDGET'), :inbox,
	:name, :email, :now)
RETURNING id;
