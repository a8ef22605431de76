-- CRM: sealed credentials, the state of each mirror, who syncs it, what it may ask of its CRM.

ALTER TABLE crm_connections
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    ADD COLUMN sealed bytea,
    ADD COLUMN key_id int,
    ADD COLUMN hook uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN hook_hash bytea,
    ADD CONSTRAINT sealed_by_a_key CHECK ((sealed IS NULL) = (key_id IS NULL));
COMMENT ON COLUMN crm_connections.settings IS 'what is no secret: address, name format, live, sync_seconds, requests_per_second';
COMMENT ON COLUMN crm_connections.sealed IS 'credentials (JSON) under the deployment''s key key_id, bound to enterprise and connection; null: not synced';
COMMENT ON COLUMN crm_connections.hook IS 'names the connection in the address of its webhooks: ids are unique within an enterprise only';
COMMENT ON COLUMN crm_connections.hook_hash IS 'HMAC of the secret in that address; null: webhooks are refused';

-- Beside crm_connections, because every change of that table is a new version of the settings.
CREATE TABLE crm_sync (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    cursor text,
    walk_done int NOT NULL DEFAULT 0,
    walk_total int,
    walked_at timestamptz,
    sweep int NOT NULL DEFAULT 0,
    sweep_cursor text,
    is_sweeping boolean NOT NULL DEFAULT false,
    swept_at timestamptz,
    managers_at timestamptz,
    synced_at timestamptz,
    next_at timestamptz NOT NULL DEFAULT now(),
    failures int NOT NULL DEFAULT 0,
    open_until timestamptz,
    error text,
    PRIMARY KEY (enterprise_id, connection_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN crm_sync.cursor IS 'where the next page begins; null: with everything';
COMMENT ON COLUMN crm_sync.walked_at IS 'when the bulk walk came to its end; null: it runs or has not begun';
COMMENT ON COLUMN crm_sync.sweep IS 'number of the repair sweep; people of lower numbers are gone when it ends';
COMMENT ON COLUMN crm_sync.open_until IS 'the breaker: nothing is asked before';

CREATE TABLE crm_people (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    external_id text NOT NULL,
    sweep int NOT NULL,
    PRIMARY KEY (enterprise_id, connection_id, external_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE crm_people IS 'everybody a CRM has, those without a phone too: what a repair sweep is compared with';

ALTER TABLE crm_contacts ADD COLUMN expires_at timestamptz;
COMMENT ON COLUMN crm_contacts.expires_at IS 'a live look-up wrote it: believed so long, unless the mirror confirms it; null: the mirror''s own';

-- A person's rows are replaced by id.
CREATE INDEX crm_contacts_person ON crm_contacts (enterprise_id, connection_id, external_id);
CREATE INDEX crm_contacts_expiring ON crm_contacts (expires_at) WHERE expires_at IS NOT NULL;

-- Filled by COPY and emptied in the same transaction: a crash loses nothing, so it needs no log.
CREATE UNLOGGED TABLE crm_staging (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    external_id text NOT NULL,
    phone text NOT NULL,
    name text NOT NULL,
    responsible_id text,
    updated_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX crm_staging_connection ON crm_staging (enterprise_id, connection_id);

CREATE TABLE crm_managers (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    id text NOT NULL,
    name text NOT NULL DEFAULT '',
    extension text,
    is_active boolean NOT NULL DEFAULT true,
    PRIMARY KEY (enterprise_id, connection_id, id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE crm_managers IS 'users of a CRM; an extension here wins over crm_contacts.responsible_extension, user_extensions over both';

CREATE TABLE crm_dirty (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    external_id text NOT NULL CHECK (external_id <> '' AND length(external_id) <= 200),
    mark bigint GENERATED ALWAYS AS IDENTITY,
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (enterprise_id, connection_id, external_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE crm_dirty IS 'people to be read again, said by webhooks and live look-ups; a new mark outlives the reading of an older one';

CREATE TABLE crm_leases (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    owner text NOT NULL,
    fence bigint NOT NULL DEFAULT 1,
    until timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, connection_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE crm_leases IS 'who syncs a connection; a page counts only under the fence of its claim';

CREATE TABLE crm_budgets (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    tokens float8 NOT NULL,
    granted int NOT NULL DEFAULT 0,
    filled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (enterprise_id, connection_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE crm_budgets IS 'one bucket of requests a connection, shared by all processes; they take from it in slices';
COMMENT ON COLUMN crm_budgets.granted IS 'what the last taker got';

CREATE TABLE crm_misses (
    enterprise_id int NOT NULL,
    connection_id int NOT NULL,
    phone text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, connection_id, phone),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);
CREATE INDEX crm_misses_until ON crm_misses (until);
COMMENT ON TABLE crm_misses IS 'phones that a live look-up did not find, and how long that is believed';
