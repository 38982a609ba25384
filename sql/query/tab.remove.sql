-- in: :conversation, :session, :tab
-- out: -
DELETE FROM tab
WHERE conversation = :conversation AND session = :session AND tab = :tab;
