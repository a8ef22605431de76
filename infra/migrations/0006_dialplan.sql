-- The dialplan of each host: what changed, what was made of it, what the host says it has loaded.

ALTER TABLE enterprises ADD COLUMN recording boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN enterprises.recording IS 'whether the generated dialplan records inbound calls';

ALTER TABLE dial_schemas ADD COLUMN context text CHECK (context ~ '^[0-9A-Za-z_-]{1,79}$');
COMMENT ON COLUMN dial_schemas.context IS 'where the scheme starts in a host''s own extensions.conf, if it is not the usual hash';

ALTER TABLE pbx_hosts
    ADD COLUMN install text NOT NULL DEFAULT 'none' CHECK (install IN ('none', 'whole-file', 'block-only')),
    ADD COLUMN dialect text NOT NULL DEFAULT 'asterisk16' CHECK (dialect IN ('asterisk16', 'asterisk22')),
    ADD COLUMN shape text NOT NULL DEFAULT 'classic' CHECK (shape IN ('classic', 'compact'));
COMMENT ON COLUMN pbx_hosts.install IS 'none: no releases are made for this host';

CREATE TABLE agent_keys (
    key_hash bytea PRIMARY KEY,
    key_id int NOT NULL,
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE agent_keys IS 'keys of the host agents, as HMAC under the deployment''s key: release and report only';
CREATE INDEX agent_keys_host ON agent_keys (enterprise_id, host_id);

-- What changed. Ids are given before their transactions commit, so a reader deletes the very ids that it has seen.

CREATE TABLE dialplan_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id int NOT NULL REFERENCES enterprises ON DELETE CASCADE,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dialplan_outbox_enterprise ON dialplan_outbox (enterprise_id, id);

CREATE TABLE dialplan_leases (
    enterprise_id int PRIMARY KEY REFERENCES enterprises ON DELETE CASCADE,
    owner text NOT NULL,
    fence bigint NOT NULL DEFAULT 1,
    until timestamptz NOT NULL
);
COMMENT ON TABLE dialplan_leases IS 'who builds for an enterprise; a result counts only under the fence of its claim';

-- What was made of it.

CREATE TABLE dialplan_releases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{16}$'),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    install text NOT NULL,
    dialect text NOT NULL,
    shape text NOT NULL,
    size int NOT NULL,
    contexts int NOT NULL,
    contexts_sha256 text NOT NULL,
    pool jsonb NOT NULL,
    outline jsonb NOT NULL,
    changes text[] NOT NULL DEFAULT '{}',
    findings jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE,
    UNIQUE (enterprise_id, host_id, id)
);
COMMENT ON COLUMN dialplan_releases.contexts IS 'loaded contexts mngr…, tombstones among them; with their hash what a host must report';
CREATE INDEX dialplan_releases_name ON dialplan_releases (enterprise_id, host_id, name);
CREATE INDEX dialplan_releases_sha256 ON dialplan_releases (sha256);

CREATE TABLE dialplan_contents (
    sha256 text PRIMARY KEY,
    packed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dialplan_contents IS 'texts of releases (gzip), where they are kept in the database; on AWS they are in S3';

CREATE TABLE dialplan_hosts (
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    wanted_release bigint,
    pinned boolean NOT NULL DEFAULT false,
    error text,
    findings jsonb NOT NULL DEFAULT '[]',
    built_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (enterprise_id, host_id),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE,
    FOREIGN KEY (enterprise_id, host_id, wanted_release)
        REFERENCES dialplan_releases (enterprise_id, host_id, id)
);
COMMENT ON COLUMN dialplan_hosts.pinned IS 'after a rollback: new releases are made but not wanted until the next deploy';

CREATE TABLE dialplan_retired (
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    context text NOT NULL,
    retired_at timestamptz NOT NULL,
    shelter text NOT NULL,
    line text NOT NULL DEFAULT '',
    priorities int NOT NULL DEFAULT 0,
    PRIMARY KEY (enterprise_id, host_id, context),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE dialplan_retired IS 'contexts that a release had and a later one has not: kept as tombstones for the calls in them';
CREATE INDEX dialplan_retired_at ON dialplan_retired (retired_at);

-- What the hosts say.

CREATE TABLE host_files (
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    sha256 text NOT NULL,
    files jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (enterprise_id, host_id),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE host_files IS 'the own files of a block-only host: its fallback contexts are read from them';

CREATE TABLE host_reports (
    enterprise_id int NOT NULL,
    host_id int NOT NULL,
    release text,
    wanted text,
    contexts int NOT NULL,
    contexts_sha256 text NOT NULL,
    names_sha256 text,
    asterisk text NOT NULL DEFAULT '',
    agent text NOT NULL DEFAULT '',
    mode text NOT NULL DEFAULT '',
    step text,
    error text,
    pool_busy boolean NOT NULL DEFAULT false,
    host_files_sha256 text,
    reported_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (enterprise_id, host_id),
    FOREIGN KEY (enterprise_id, host_id) REFERENCES pbx_hosts (enterprise_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN host_reports.names_sha256 IS 'the list of contexts that loaded_pool was last made of';

CREATE FUNCTION dialplan_dirty(p_enterprises int[], p_reason text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO dialplan_outbox (enterprise_id, reason)
    SELECT e.id, p_reason FROM enterprises e WHERE e.id = ANY (p_enterprises) ORDER BY e.id
$$;
COMMENT ON FUNCTION dialplan_dirty IS 'enterprises that are being deleted are not there any more, and need no dialplan';

CREATE FUNCTION dialplan_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT DISTINCT enterprise_id FROM new_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION dialplan_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT DISTINCT enterprise_id FROM old_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION dialplan_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dialplan_dirty(
        ARRAY(SELECT enterprise_id FROM old_rows UNION SELECT enterprise_id FROM new_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION dialplan_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT id FROM enterprises), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION dialplan_row_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY[(to_jsonb(NEW) ->> TG_ARGV[0])::int], TG_TABLE_NAME);
    RETURN NULL;
END $$;

DO $$
DECLARE v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['users', 'user_internal_phones', 'follow_me_steps', 'lines', 'dial_schemas',
                                   'departments', 'department_members', 'host_files'] LOOP
        EXECUTE format('CREATE TRIGGER dialplan_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION dialplan_inserted()', v_table);
        EXECUTE format('CREATE TRIGGER dialplan_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION dialplan_deleted()', v_table);
        EXECUTE format('CREATE TRIGGER dialplan_update AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION dialplan_updated()', v_table);
        EXECUTE format('CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION dialplan_truncated()', v_table);
    END LOOP;
END $$;

CREATE TRIGGER dialplan_update AFTER UPDATE ON enterprises FOR EACH ROW
    WHEN ((OLD.number, OLD.country, OLD.time_zone, OLD.recording)
          IS DISTINCT FROM (NEW.number, NEW.country, NEW.time_zone, NEW.recording))
    EXECUTE FUNCTION dialplan_row_changed('id');
CREATE TRIGGER dialplan_insert AFTER INSERT ON pbx_hosts FOR EACH ROW
    WHEN (NEW.install <> 'none') EXECUTE FUNCTION dialplan_row_changed('enterprise_id');
CREATE TRIGGER dialplan_update AFTER UPDATE ON pbx_hosts FOR EACH ROW
    WHEN ((OLD.install, OLD.dialect, OLD.shape) IS DISTINCT FROM (NEW.install, NEW.dialect, NEW.shape))
    EXECUTE FUNCTION dialplan_row_changed('enterprise_id');
