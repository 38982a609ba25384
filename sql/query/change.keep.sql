-- in: :seq, :conversation, :public_id, :inbox
-- out: -
-- What is to be told although its conversation will not be there to ask.
UPDATE change
SET conversation = NULL, public_id = pl_pack_id(:public_id), inbox = :inbox
WHERE seq = :seq AND conversation = :conversation;
