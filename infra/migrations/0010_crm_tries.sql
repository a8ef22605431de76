-- CRM: how often a person who is to be read again could not be read, so that one record that a CRM fails on does not hold up a mirror.

ALTER TABLE crm_dirty ADD COLUMN tries int NOT NULL DEFAULT 0;
COMMENT ON COLUMN crm_dirty.tries IS 'how often the reading of this very person failed; after some the mark is taken back';
