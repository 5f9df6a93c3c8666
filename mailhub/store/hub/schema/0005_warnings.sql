-- Whether the owner has been told at a log-in.
ALTER TABLE quota_warning ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
