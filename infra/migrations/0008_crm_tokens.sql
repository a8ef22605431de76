-- CRM: tokens that OAuth renews, and who is a lead only.

-- Beside crm_connections, because every change of that table is a new version of the settings.
CREATE TABLE crm_tokens (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    sealed bytea,
    key_id int,
    credentials_hash bytea,
    renewed_at timestamptz,
    PRIMARY KEY (enterprise_id, connection_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE,
    CONSTRAINT sealed_by_a_key CHECK ((sealed IS NULL) = (key_id IS NULL))
);
COMMENT ON TABLE crm_tokens IS 'newest OAuth tokens of a connection; the row is locked while one process renews them: refresh tokens work once';
COMMENT ON COLUMN crm_tokens.credentials_hash IS 'SHA-256 of the sealed credentials that they grew from: new credentials void them';

ALTER TABLE crm_contacts ADD COLUMN is_lead boolean NOT NULL DEFAULT false;
ALTER TABLE crm_staging ADD COLUMN is_lead boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN crm_contacts.is_lead IS 'not a customer yet: comes after the customers among the owners of a phone';
