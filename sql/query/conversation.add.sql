-- in: :company, :public_id, :platform, :inbox, :name, :email, :now
-- out: id; no row if it is there already
INSERT INTO conversation (company, public_id, platform, inbox, name, email,
	created_at)
VALUES (:company, :public_id, :platform, :inbox, :name, :email, :now)
ON CONFLICT (company, public_id) DO NOTHING
RETURNING id;
