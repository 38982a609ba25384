-- in: :now
-- out: -
-- The clock was set back: every lease is looked at anew, or it would last for
-- as long as the step.
UPDATE conversation SET due_at = :now WHERE due_at > :now;
