-- CRM: who renews OAuth tokens has a lease, instead of a transaction that is open while the vendor is asked.

ALTER TABLE crm_tokens ADD COLUMN renewing_until timestamptz;
COMMENT ON COLUMN crm_tokens.renewing_until IS 'until when somebody renews; a process that died in between is waited for no longer';
