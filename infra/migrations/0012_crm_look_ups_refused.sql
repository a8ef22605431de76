-- CRM: until when no process looks callers up. A key without the right to search is refused, and may well keep a mirror.

ALTER TABLE crm_sync ADD COLUMN look_ups_open_until timestamptz;
COMMENT ON COLUMN crm_sync.look_ups_open_until IS 'the breaker of live look-ups alone: syncs find out themselves whether they are refused';
