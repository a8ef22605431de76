-- Callers: the contact mirror, our own contacts, and the history of answered calls, one row a caller.

CREATE TABLE crm_contacts (
    enterprise_id int NOT NULL,
    phone text NOT NULL CHECK (phone ~ '^\+[0-9]{7,15}$'),
    connection_id int NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL DEFAULT '',
    responsible_id text,
    responsible_extension text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (enterprise_id, phone, connection_id, external_id),
    FOREIGN KEY (enterprise_id, connection_id) REFERENCES crm_connections (enterprise_id, id) ON DELETE CASCADE
);

CREATE TABLE contacts (
    enterprise_id int NOT NULL REFERENCES enterprises ON DELETE CASCADE,
    phone text NOT NULL CHECK (phone ~ '^\+[0-9]{7,15}$'),
    name text NOT NULL,
    PRIMARY KEY (enterprise_id, phone)
);
COMMENT ON TABLE contacts IS 'the enterprise''s own phone book: asked when no CRM knows the caller''s name';

CREATE TABLE caller_history (
    enterprise_id int NOT NULL REFERENCES enterprises ON DELETE CASCADE,
    phone text NOT NULL,
    first_call text NOT NULL,
    first_answered_at timestamptz NOT NULL,
    first_extension text NOT NULL,
    first_internal_id int,
    first_user_id int,
    last_call text NOT NULL,
    last_answered_at timestamptz NOT NULL,
    last_extension text NOT NULL,
    last_internal_id int,
    last_user_id int,
    PRIMARY KEY (enterprise_id, phone)
);
COMMENT ON COLUMN caller_history.first_call IS 'host_id/UniqueId of the call: who talked first in the first answered call';

CREATE TABLE calls (
    enterprise_id int NOT NULL,
    host_id int NOT NULL DEFAULT 0,
    unique_id text NOT NULL,
    started_at timestamptz NOT NULL,
    phone text NOT NULL DEFAULT '',
    caller text,
    line_id text NOT NULL DEFAULT '',
    call_type smallint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'ringing' CHECK (status IN ('ringing', 'answered', 'no_answer')),
    answered_at timestamptz,
    ended_at timestamptz,
    events jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (enterprise_id, host_id, unique_id, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX ON calls (enterprise_id, started_at DESC);
CREATE INDEX ON calls (enterprise_id, caller, started_at DESC);
COMMENT ON COLUMN calls.started_at IS 'the epoch in UniqueId: the same for every event of the call, whenever it arrives';
COMMENT ON COLUMN calls.host_id IS '0: the host could not be told';
COMMENT ON COLUMN calls.events IS 'every distinct event of the call as it was reported, without its token';
COMMENT ON COLUMN calls.call_type IS '0 inbound, 1 outbound, 2 internal';

CREATE TABLE call_participants (
    enterprise_id int NOT NULL,
    host_id int NOT NULL DEFAULT 0,
    unique_id text NOT NULL,
    started_at timestamptz NOT NULL,
    extension text NOT NULL,
    ring_order smallint NOT NULL,
    internal_id int,
    user_id int,
    status text NOT NULL CHECK (status IN ('ringing', 'answered', 'no_answer')),
    answered_at timestamptz,
    PRIMARY KEY (enterprise_id, host_id, unique_id, extension, started_at)
) PARTITION BY RANGE (started_at);

CREATE TABLE decisions (
    decided_at timestamptz NOT NULL,
    enterprise_id int NOT NULL,
    host_id int,
    unique_id text NOT NULL DEFAULT '',
    line_id text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    mode text NOT NULL,
    shadow boolean NOT NULL DEFAULT false,
    name text NOT NULL DEFAULT '',
    context text,
    algorithm text,
    reason text NOT NULL,
    trace jsonb NOT NULL,
    sources jsonb NOT NULL,
    timings jsonb NOT NULL
) PARTITION BY RANGE (decided_at);
CREATE INDEX ON decisions (enterprise_id, decided_at DESC);
COMMENT ON COLUMN decisions.phone IS 'masked unless enterprises.full_phones';
COMMENT ON COLUMN decisions.name IS 'what was or, in shadow, would have been answered';

CREATE TABLE calls_default PARTITION OF calls DEFAULT;
CREATE TABLE call_participants_default PARTITION OF call_participants DEFAULT;
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;

-- Makes the partition of one month, taking over what already lies in the default partition.
CREATE FUNCTION ensure_month_partition(p_parent text, p_month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_from date := date_trunc('month', p_month);
    v_to date := date_trunc('month', p_month) + interval '1 month';
    v_name text := format('%s_%s', p_parent, to_char(p_month, 'YYYY_MM'));
    v_key text := CASE p_parent WHEN 'decisions' THEN 'decided_at' ELSE 'started_at' END;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_month_partition'), hashtext(p_parent));
    IF to_regclass(v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', v_name, p_parent);
    EXECUTE format(
        'WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        p_parent || '_default', v_key, v_from, v_key, v_to, v_name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', p_parent, v_name, v_from, v_to);
END $$;

-- Keeps this month's and the next p_ahead months' partitions of every partitioned table in place.
CREATE FUNCTION ensure_partitions(p_from date, p_ahead int) RETURNS void LANGUAGE sql AS $$
    SELECT ensure_month_partition(parent, (p_from + make_interval(months => ahead))::date)
    FROM unnest(ARRAY['calls', 'call_participants', 'decisions']) AS parent, generate_series(0, p_ahead) AS ahead
$$;
