-- CRM: since when a connection is to be mirrored, so that one that never was has an age too.

ALTER TABLE crm_sync ADD COLUMN begun_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN crm_sync.begun_at IS 'when the first run began; the age of a mirror that never came to its end counts from here';
