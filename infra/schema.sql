-- Generated from infra/migrations by: python -m smart_redirect.local.schema

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE FUNCTION public.bump_settings_versions(p_enterprises integer[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO settings_versions (enterprise_id)
    SELECT e.id FROM enterprises e WHERE e.id = ANY (p_enterprises) ORDER BY e.id
    ON CONFLICT (enterprise_id) DO UPDATE SET version = settings_versions.version + 1
$$;

CREATE FUNCTION public.dialplan_deleted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT DISTINCT enterprise_id FROM old_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION public.dialplan_dirty(p_enterprises integer[], p_reason text) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO dialplan_outbox (enterprise_id, reason)
    SELECT e.id, p_reason FROM enterprises e WHERE e.id = ANY (p_enterprises) ORDER BY e.id
$$;

COMMENT ON FUNCTION public.dialplan_dirty(p_enterprises integer[], p_reason text) IS 'enterprises that are being deleted are not there any more, and need no dialplan';

CREATE FUNCTION public.dialplan_inserted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT DISTINCT enterprise_id FROM new_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION public.dialplan_row_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY[(to_jsonb(NEW) ->> TG_ARGV[0])::int], TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION public.dialplan_truncated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM dialplan_dirty(ARRAY(SELECT id FROM enterprises), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION public.dialplan_updated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM dialplan_dirty(
        ARRAY(SELECT enterprise_id FROM old_rows UNION SELECT enterprise_id FROM new_rows), TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION public.ensure_month_partition(p_parent text, p_month date) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.ensure_partitions(p_from date, p_ahead integer) RETURNS void
    LANGUAGE sql
    AS $$
    SELECT ensure_month_partition(parent, (p_from + make_interval(months => ahead))::date)
    FROM unnest(ARRAY['calls', 'call_participants', 'decisions']) AS parent, generate_series(0, p_ahead) AS ahead
$$;

CREATE FUNCTION public.enterprise_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY[NEW.id]);
    RETURN NULL;
END $$;

CREATE FUNCTION public.settings_deleted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT DISTINCT enterprise_id FROM old_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION public.settings_inserted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT DISTINCT enterprise_id FROM new_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION public.settings_snapshot(p_enterprise integer) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_object(
        'id', e.id, 'number', e.number, 'country', e.country, 'mode', e.mode, 'shadow', e.shadow,
        'switched_off', e.switched_off, 'full_phones', e.full_phones, 'requests_per_second', e.requests_per_second,
        'tokens', (
            SELECT coalesce(jsonb_object_agg(encode(t.token_hash, 'hex'), t.host_id), '{}')
            FROM call_tokens t WHERE t.enterprise_id = e.id),
        'hosts', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', h.id, 'name', h.name, 'allowed', h.allowed_addresses, 'trust', h.context_trust,
                'loaded', h.loaded_pool, 'announced', h.announced_pool) ORDER BY h.id), '[]')
            FROM pbx_hosts h WHERE h.enterprise_id = e.id),
        'extensions', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(p.number, p.id, p.user_id) ORDER BY p.id), '[]')
            FROM user_internal_phones p WHERE p.enterprise_id = e.id),
        'connections', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(c.id, c.name) ORDER BY c.position), '[]')
            FROM crm_connections c WHERE c.enterprise_id = e.id AND c.enabled),
        'user_extensions', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(x.connection_id, x.manager_id, x.extension)), '[]')
            FROM user_extensions x WHERE x.enterprise_id = e.id),
        'lines', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', l.line_id, 'name', l.name, 'number', l.phone_number, 'area_code', l.area_code,
                'enabled', l.enabled, 'do_routing', l.do_routing, 'shadow', l.shadow,
                'algorithms', l.algorithms, 'crm_falls_back', l.crm_falls_back,
                'name_orders', jsonb_build_array(l.line_name_order, l.customer_name_order, l.shop_name_order),
                'shop', (
                    SELECT s.name FROM shop_lines sl JOIN shops s ON s.enterprise_id = sl.enterprise_id AND s.id = sl.shop_id
                    WHERE sl.enterprise_id = e.id AND sl.line_id = l.line_id ORDER BY s.id LIMIT 1)
                ) ORDER BY l.line_id), '[]')
            FROM lines l WHERE l.enterprise_id = e.id)
    )
    FROM enterprises e WHERE e.id = p_enterprise
$$;

CREATE FUNCTION public.settings_truncated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT id FROM enterprises));
    RETURN NULL;
END $$;

CREATE FUNCTION public.settings_updated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM bump_settings_versions(
        ARRAY(SELECT enterprise_id FROM old_rows UNION SELECT enterprise_id FROM new_rows));
    RETURN NULL;
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.agent_keys (
    key_hash bytea NOT NULL,
    key_id integer NOT NULL,
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.agent_keys IS 'keys of the host agents, as HMAC under the deployment''s key: release and report only';

CREATE TABLE public.call_participants (
    enterprise_id integer NOT NULL,
    host_id integer DEFAULT 0 NOT NULL,
    unique_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    extension text NOT NULL,
    ring_order smallint NOT NULL,
    internal_id integer,
    user_id integer,
    status text NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT call_participants_status_check CHECK ((status = ANY (ARRAY['ringing'::text, 'answered'::text, 'no_answer'::text])))
)
PARTITION BY RANGE (started_at);

CREATE TABLE public.call_participants_default (
    enterprise_id integer CONSTRAINT call_participants_enterprise_id_not_null NOT NULL,
    host_id integer DEFAULT 0 CONSTRAINT call_participants_host_id_not_null NOT NULL,
    unique_id text CONSTRAINT call_participants_unique_id_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT call_participants_started_at_not_null NOT NULL,
    extension text CONSTRAINT call_participants_extension_not_null NOT NULL,
    ring_order smallint CONSTRAINT call_participants_ring_order_not_null NOT NULL,
    internal_id integer,
    user_id integer,
    status text CONSTRAINT call_participants_status_not_null NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT call_participants_status_check CHECK ((status = ANY (ARRAY['ringing'::text, 'answered'::text, 'no_answer'::text])))
);

CREATE TABLE public.call_tokens (
    token_hash bytea NOT NULL,
    key_id smallint NOT NULL,
    enterprise_id integer NOT NULL,
    host_id integer,
    label text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.call_tokens IS 'HMAC-SHA256 of each call token under the deployment key key_id; host_id null: all hosts share it';

CREATE TABLE public.caller_history (
    enterprise_id integer NOT NULL,
    phone text NOT NULL,
    first_call text NOT NULL,
    first_answered_at timestamp with time zone NOT NULL,
    first_extension text NOT NULL,
    first_internal_id integer,
    first_user_id integer,
    last_call text NOT NULL,
    last_answered_at timestamp with time zone NOT NULL,
    last_extension text NOT NULL,
    last_internal_id integer,
    last_user_id integer
);

COMMENT ON COLUMN public.caller_history.first_call IS 'host_id/UniqueId of the call: who talked first in the first answered call';

CREATE TABLE public.calls (
    enterprise_id integer NOT NULL,
    host_id integer DEFAULT 0 NOT NULL,
    unique_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    caller text,
    line_id text DEFAULT ''::text NOT NULL,
    call_type smallint DEFAULT 0 NOT NULL,
    status text DEFAULT 'ringing'::text NOT NULL,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    events jsonb DEFAULT '[]'::jsonb NOT NULL,
    talks jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT calls_status_check CHECK ((status = ANY (ARRAY['ringing'::text, 'answered'::text, 'no_answer'::text]))),
    CONSTRAINT calls_talks_check CHECK ((jsonb_typeof(talks) = 'array'::text))
)
PARTITION BY RANGE (started_at);

COMMENT ON COLUMN public.calls.host_id IS '0: the host could not be told';

COMMENT ON COLUMN public.calls.started_at IS 'the epoch in UniqueId: the same for every event of the call, whenever it arrives';

COMMENT ON COLUMN public.calls.call_type IS '0 inbound, 1 outbound, 2 internal';

COMMENT ON COLUMN public.calls.events IS 'every distinct event of the call as it was reported, without its token';

COMMENT ON COLUMN public.calls.talks IS '[[extension, epoch, internal_id, user_id], …] in order of the answers; ids as they were when first recorded, null: not ours';

CREATE TABLE public.calls_default (
    enterprise_id integer CONSTRAINT calls_enterprise_id_not_null NOT NULL,
    host_id integer DEFAULT 0 CONSTRAINT calls_host_id_not_null NOT NULL,
    unique_id text CONSTRAINT calls_unique_id_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT calls_started_at_not_null NOT NULL,
    phone text DEFAULT ''::text CONSTRAINT calls_phone_not_null NOT NULL,
    caller text,
    line_id text DEFAULT ''::text CONSTRAINT calls_line_id_not_null NOT NULL,
    call_type smallint DEFAULT 0 CONSTRAINT calls_call_type_not_null NOT NULL,
    status text DEFAULT 'ringing'::text CONSTRAINT calls_status_not_null NOT NULL,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    events jsonb DEFAULT '[]'::jsonb CONSTRAINT calls_events_not_null NOT NULL,
    talks jsonb DEFAULT '[]'::jsonb CONSTRAINT calls_talks_not_null NOT NULL,
    CONSTRAINT calls_status_check CHECK ((status = ANY (ARRAY['ringing'::text, 'answered'::text, 'no_answer'::text]))),
    CONSTRAINT calls_talks_check CHECK ((jsonb_typeof(talks) = 'array'::text))
);

CREATE TABLE public.contacts (
    enterprise_id integer NOT NULL,
    phone text NOT NULL,
    name text NOT NULL,
    CONSTRAINT contacts_phone_check CHECK ((phone ~ '^\+[0-9]{7,15}$'::text))
);

COMMENT ON TABLE public.contacts IS 'the enterprise''s own phone book: asked when no CRM knows the caller''s name';

CREATE TABLE public.crm_budgets (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    tokens double precision NOT NULL,
    granted integer DEFAULT 0 NOT NULL,
    filled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE public.crm_budgets IS 'one bucket of requests a connection, shared by all processes; they take from it in slices';

COMMENT ON COLUMN public.crm_budgets.granted IS 'what the last taker got';

CREATE TABLE public.crm_connections (
    enterprise_id integer NOT NULL,
    id integer NOT NULL,
    vendor text NOT NULL,
    name text NOT NULL,
    "position" smallint NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    sealed bytea,
    key_id integer,
    hook uuid DEFAULT gen_random_uuid() NOT NULL,
    hook_hash bytea,
    CONSTRAINT crm_connections_position_check CHECK (("position" > 0)),
    CONSTRAINT crm_connections_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT sealed_by_a_key CHECK (((sealed IS NULL) = (key_id IS NULL)))
);

COMMENT ON COLUMN public.crm_connections."position" IS 'the order of asking: the smallest is the primary';

COMMENT ON COLUMN public.crm_connections.settings IS 'what is no secret: address, name format, live, sync_seconds, requests_per_second';

COMMENT ON COLUMN public.crm_connections.sealed IS 'credentials (JSON) under the deployment''s key key_id, bound to enterprise and connection; null: not synced';

COMMENT ON COLUMN public.crm_connections.hook IS 'names the connection in the address of its webhooks: ids are unique within an enterprise only';

COMMENT ON COLUMN public.crm_connections.hook_hash IS 'HMAC of the secret in that address; null: webhooks are refused';

ALTER TABLE public.crm_connections ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.crm_connections_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.crm_contacts (
    enterprise_id integer NOT NULL,
    phone text NOT NULL,
    connection_id integer NOT NULL,
    external_id text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    responsible_id text,
    responsible_extension text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    is_lead boolean DEFAULT false NOT NULL,
    CONSTRAINT crm_contacts_phone_check CHECK ((phone ~ '^\+[0-9]{7,15}$'::text))
);

COMMENT ON COLUMN public.crm_contacts.expires_at IS 'a live look-up wrote it: believed so long, unless the mirror confirms it; null: the mirror''s own';

COMMENT ON COLUMN public.crm_contacts.is_lead IS 'not a customer yet: comes after the customers among the owners of a phone';

CREATE TABLE public.crm_dirty (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    external_id text NOT NULL,
    mark bigint NOT NULL,
    marked_at timestamp with time zone DEFAULT now() NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    CONSTRAINT crm_dirty_external_id_check CHECK (((external_id <> ''::text) AND (length(external_id) <= 200)))
);

COMMENT ON TABLE public.crm_dirty IS 'people to be read again, said by webhooks and live look-ups; a new mark outlives the reading of an older one';

COMMENT ON COLUMN public.crm_dirty.tries IS 'how often the reading of this very person failed; after some the mark is taken back';

ALTER TABLE public.crm_dirty ALTER COLUMN mark ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.crm_dirty_mark_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.crm_leases (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    owner text NOT NULL,
    fence bigint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.crm_leases IS 'who syncs a connection; a page counts only under the fence of its claim';

CREATE TABLE public.crm_managers (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    id text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    extension text,
    is_active boolean DEFAULT true NOT NULL
);

COMMENT ON TABLE public.crm_managers IS 'users of a CRM; an extension here wins over crm_contacts.responsible_extension, user_extensions over both';

CREATE TABLE public.crm_misses (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    phone text NOT NULL,
    until timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.crm_misses IS 'phones that a live look-up did not find, and how long that is believed';

CREATE TABLE public.crm_people (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    external_id text NOT NULL,
    sweep integer NOT NULL
);

COMMENT ON TABLE public.crm_people IS 'everybody a CRM has, those without a phone too: what a repair sweep is compared with';

CREATE UNLOGGED TABLE public.crm_staging (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    external_id text NOT NULL,
    phone text NOT NULL,
    name text NOT NULL,
    responsible_id text,
    updated_at timestamp with time zone NOT NULL,
    is_lead boolean DEFAULT false NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

CREATE TABLE public.crm_sync (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    cursor text,
    walk_done integer DEFAULT 0 NOT NULL,
    walk_total integer,
    walked_at timestamp with time zone,
    sweep integer DEFAULT 0 NOT NULL,
    sweep_cursor text,
    is_sweeping boolean DEFAULT false NOT NULL,
    swept_at timestamp with time zone,
    managers_at timestamp with time zone,
    synced_at timestamp with time zone,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    error text,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    look_ups_open_until timestamp with time zone
);

COMMENT ON COLUMN public.crm_sync.cursor IS 'where the next page begins; null: with everything';

COMMENT ON COLUMN public.crm_sync.walked_at IS 'when the bulk walk came to its end; null: it runs or has not begun';

COMMENT ON COLUMN public.crm_sync.sweep IS 'number of the repair sweep; people of lower numbers are gone when it ends';

COMMENT ON COLUMN public.crm_sync.open_until IS 'the breaker: nothing is asked before';

COMMENT ON COLUMN public.crm_sync.begun_at IS 'when the first run began; the age of a mirror that never came to its end counts from here';

COMMENT ON COLUMN public.crm_sync.look_ups_open_until IS 'the breaker of live look-ups alone: syncs find out themselves whether they are refused';

CREATE TABLE public.crm_tokens (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    sealed bytea,
    key_id integer,
    credentials_hash bytea,
    renewed_at timestamp with time zone,
    renewing_until timestamp with time zone,
    CONSTRAINT sealed_by_a_key CHECK (((sealed IS NULL) = (key_id IS NULL)))
);

COMMENT ON TABLE public.crm_tokens IS 'newest OAuth tokens of a connection; the row is locked while one process renews them: refresh tokens work once';

COMMENT ON COLUMN public.crm_tokens.credentials_hash IS 'SHA-256 of the sealed credentials that they grew from: new credentials void them';

COMMENT ON COLUMN public.crm_tokens.renewing_until IS 'until when somebody renews; a process that died in between is waited for no longer';

CREATE TABLE public.dead_events (
    id bigint NOT NULL,
    buried_at timestamp with time zone DEFAULT now() NOT NULL,
    reason text NOT NULL,
    message text NOT NULL
);

COMMENT ON TABLE public.dead_events IS 'events that can not be recorded (unknown token, unreadable): the newest 10000 are kept';

ALTER TABLE public.dead_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.decisions (
    decided_at timestamp with time zone NOT NULL,
    enterprise_id integer NOT NULL,
    host_id integer,
    unique_id text DEFAULT ''::text NOT NULL,
    line_id text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    mode text NOT NULL,
    shadow boolean DEFAULT false NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    context text,
    algorithm text,
    reason text NOT NULL,
    trace jsonb NOT NULL,
    sources jsonb NOT NULL,
    timings jsonb NOT NULL
)
PARTITION BY RANGE (decided_at);

COMMENT ON COLUMN public.decisions.phone IS 'masked unless enterprises.full_phones';

COMMENT ON COLUMN public.decisions.name IS 'what was or, in shadow, would have been answered';

CREATE TABLE public.decisions_default (
    decided_at timestamp with time zone CONSTRAINT decisions_decided_at_not_null NOT NULL,
    enterprise_id integer CONSTRAINT decisions_enterprise_id_not_null NOT NULL,
    host_id integer,
    unique_id text DEFAULT ''::text CONSTRAINT decisions_unique_id_not_null NOT NULL,
    line_id text DEFAULT ''::text CONSTRAINT decisions_line_id_not_null NOT NULL,
    phone text DEFAULT ''::text CONSTRAINT decisions_phone_not_null NOT NULL,
    mode text CONSTRAINT decisions_mode_not_null NOT NULL,
    shadow boolean DEFAULT false CONSTRAINT decisions_shadow_not_null NOT NULL,
    name text DEFAULT ''::text CONSTRAINT decisions_name_not_null NOT NULL,
    context text,
    algorithm text,
    reason text CONSTRAINT decisions_reason_not_null NOT NULL,
    trace jsonb CONSTRAINT decisions_trace_not_null NOT NULL,
    sources jsonb CONSTRAINT decisions_sources_not_null NOT NULL,
    timings jsonb CONSTRAINT decisions_timings_not_null NOT NULL
);

CREATE TABLE public.department_members (
    enterprise_id integer NOT NULL,
    department_id integer NOT NULL,
    internal_id integer NOT NULL
);

CREATE TABLE public.departments (
    enterprise_id integer NOT NULL,
    id integer NOT NULL,
    name text NOT NULL,
    number text NOT NULL,
    CONSTRAINT departments_number_check CHECK ((number ~ '^[0-9]{1,10}$'::text))
);

ALTER TABLE public.departments ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.departments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deployment (
    only_row boolean DEFAULT true NOT NULL,
    switched_off boolean DEFAULT false NOT NULL,
    CONSTRAINT deployment_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.deployment IS 'what holds for every enterprise: the emergency switch for all';

CREATE TABLE public.dial_schemas (
    enterprise_id integer NOT NULL,
    schema_id text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    context text,
    CONSTRAINT dial_schemas_context_check CHECK ((context ~ '^[0-9A-Za-z_-]{1,79}$'::text)),
    CONSTRAINT dial_schemas_type_check CHECK ((type = ANY (ARRAY['incoming'::text, 'outgoing'::text])))
);

COMMENT ON COLUMN public.dial_schemas.context IS 'where the scheme starts in a host''s own extensions.conf, if it is not the usual hash';

CREATE TABLE public.dialplan_contents (
    sha256 text NOT NULL,
    packed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.dialplan_contents IS 'texts of releases (gzip), where they are kept in the database; on AWS they are in S3';

CREATE TABLE public.dialplan_hosts (
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    wanted_release bigint,
    pinned boolean DEFAULT false NOT NULL,
    error text,
    findings jsonb DEFAULT '[]'::jsonb NOT NULL,
    built_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON COLUMN public.dialplan_hosts.pinned IS 'after a rollback: new releases are made but not wanted until the next deploy';

CREATE TABLE public.dialplan_leases (
    enterprise_id integer NOT NULL,
    owner text NOT NULL,
    fence bigint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.dialplan_leases IS 'who builds for an enterprise; a result counts only under the fence of its claim';

CREATE TABLE public.dialplan_outbox (
    id bigint NOT NULL,
    enterprise_id integer NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.dialplan_outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dialplan_outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dialplan_releases (
    id bigint NOT NULL,
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    install text NOT NULL,
    dialect text NOT NULL,
    shape text NOT NULL,
    size integer NOT NULL,
    contexts integer NOT NULL,
    contexts_sha256 text NOT NULL,
    pool jsonb NOT NULL,
    outline jsonb NOT NULL,
    changes text[] DEFAULT '{}'::text[] NOT NULL,
    findings jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dialplan_releases_name_check CHECK ((name ~ '^[0-9a-f]{16}$'::text)),
    CONSTRAINT dialplan_releases_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

COMMENT ON COLUMN public.dialplan_releases.contexts IS 'loaded contexts mngr…, tombstones among them; with their hash what a host must report';

ALTER TABLE public.dialplan_releases ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dialplan_releases_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dialplan_retired (
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    context text NOT NULL,
    retired_at timestamp with time zone NOT NULL,
    shelter text NOT NULL,
    line text DEFAULT ''::text NOT NULL,
    priorities integer DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.dialplan_retired IS 'contexts that a release had and a later one has not: kept as tombstones for the calls in them';

CREATE TABLE public.enterprises (
    id integer NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    country text DEFAULT 'BY'::text NOT NULL,
    time_zone text DEFAULT 'Europe/Minsk'::text NOT NULL,
    mode text DEFAULT 'off'::text NOT NULL,
    shadow boolean DEFAULT false NOT NULL,
    switched_off boolean DEFAULT false NOT NULL,
    full_phones boolean DEFAULT false NOT NULL,
    count_outgoing boolean DEFAULT false NOT NULL,
    requests_per_second integer DEFAULT 50 NOT NULL,
    decisions_kept_days integer DEFAULT 90 NOT NULL,
    calls_kept_days integer DEFAULT 396 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    recording boolean DEFAULT false NOT NULL,
    CONSTRAINT enterprises_calls_kept_days_check CHECK ((calls_kept_days > 0)),
    CONSTRAINT enterprises_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT enterprises_decisions_kept_days_check CHECK ((decisions_kept_days > 0)),
    CONSTRAINT enterprises_mode_check CHECK ((mode = ANY (ARRAY['off'::text, 'name-only'::text, 'routing+name'::text]))),
    CONSTRAINT enterprises_number_check CHECK ((number ~ '^[0-9A-Za-z_-]{1,32}$'::text)),
    CONSTRAINT enterprises_requests_per_second_check CHECK ((requests_per_second > 0))
);

COMMENT ON COLUMN public.enterprises.switched_off IS 'the emergency switch; mode keeps what the admin chose';

COMMENT ON COLUMN public.enterprises.full_phones IS 'write callers unmasked into decision records';

COMMENT ON COLUMN public.enterprises.count_outgoing IS 'answered outgoing calls feed caller_history too';

COMMENT ON COLUMN public.enterprises.recording IS 'whether the generated dialplan records inbound calls';

ALTER TABLE public.enterprises ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.enterprises_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.follow_me_steps (
    enterprise_id integer NOT NULL,
    user_id integer NOT NULL,
    step smallint NOT NULL,
    rings smallint NOT NULL,
    numbers text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT follow_me_steps_rings_check CHECK (((rings >= 1) AND (rings <= 20))),
    CONSTRAINT follow_me_steps_step_check CHECK ((step > 0))
);

CREATE TABLE public.host_files (
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    sha256 text NOT NULL,
    files jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.host_files IS 'the own files of a block-only host: its fallback contexts are read from them';

CREATE TABLE public.host_reports (
    enterprise_id integer NOT NULL,
    host_id integer NOT NULL,
    release text,
    wanted text,
    contexts integer NOT NULL,
    contexts_sha256 text NOT NULL,
    names_sha256 text,
    asterisk text DEFAULT ''::text NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    mode text DEFAULT ''::text NOT NULL,
    step text,
    error text,
    pool_busy boolean DEFAULT false NOT NULL,
    host_files_sha256 text,
    reported_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON COLUMN public.host_reports.names_sha256 IS 'the list of contexts that loaded_pool was last made of';

CREATE TABLE public.lines (
    enterprise_id integer NOT NULL,
    line_id text NOT NULL,
    kind text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    phone_number text,
    area_code text DEFAULT ''::text NOT NULL,
    prefix text DEFAULT ''::text NOT NULL,
    in_schema_id text,
    out_schema_id text,
    enabled boolean DEFAULT false NOT NULL,
    do_routing boolean DEFAULT false NOT NULL,
    shadow boolean DEFAULT false NOT NULL,
    algorithms text[] DEFAULT '{}'::text[] NOT NULL,
    crm_falls_back boolean DEFAULT true NOT NULL,
    line_name_order smallint,
    customer_name_order smallint,
    shop_name_order smallint,
    CONSTRAINT lines_algorithms_check CHECK (((algorithms <@ ARRAY['crm'::text, 'last_call'::text, 'first_call'::text]) AND (cardinality(algorithms) <= 3))),
    CONSTRAINT lines_area_code_check CHECK ((area_code ~ '^[0-9]{0,6}$'::text)),
    CONSTRAINT lines_customer_name_order_check CHECK (((customer_name_order >= 1) AND (customer_name_order <= 3))),
    CONSTRAINT lines_kind_check CHECK ((kind = ANY (ARRAY['gsm'::text, 'sip'::text]))),
    CONSTRAINT lines_line_id_check CHECK (((line_id <> ''::text) AND (length(line_id) <= 64))),
    CONSTRAINT lines_line_name_order_check CHECK (((line_name_order >= 1) AND (line_name_order <= 3))),
    CONSTRAINT lines_shop_name_order_check CHECK (((shop_name_order >= 1) AND (shop_name_order <= 3))),
    CONSTRAINT name_positions_are_unique CHECK ((((line_name_order = customer_name_order) IS NOT TRUE) AND ((line_name_order = shop_name_order) IS NOT TRUE) AND ((customer_name_order = shop_name_order) IS NOT TRUE)))
);

COMMENT ON COLUMN public.lines.line_id IS 'as Asterisk sees it in EXTEN: text, leading zeros kept, whatever the kind';

COMMENT ON COLUMN public.lines.crm_falls_back IS 'crm without an answer is followed by last_call';

CREATE TABLE public.pbx_hosts (
    id integer NOT NULL,
    enterprise_id integer NOT NULL,
    name text NOT NULL,
    allowed_addresses cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    context_trust text DEFAULT 'reported'::text NOT NULL,
    loaded_pool jsonb,
    announced_pool jsonb,
    install text DEFAULT 'none'::text NOT NULL,
    dialect text DEFAULT 'asterisk16'::text NOT NULL,
    shape text DEFAULT 'classic'::text NOT NULL,
    CONSTRAINT pbx_hosts_announced_pool_check CHECK ((jsonb_typeof(announced_pool) = 'object'::text)),
    CONSTRAINT pbx_hosts_context_trust_check CHECK ((context_trust = ANY (ARRAY['reported'::text, 'rules'::text, 'names_only'::text]))),
    CONSTRAINT pbx_hosts_dialect_check CHECK ((dialect = ANY (ARRAY['asterisk16'::text, 'asterisk22'::text]))),
    CONSTRAINT pbx_hosts_install_check CHECK ((install = ANY (ARRAY['none'::text, 'whole-file'::text, 'block-only'::text]))),
    CONSTRAINT pbx_hosts_loaded_pool_check CHECK ((jsonb_typeof(loaded_pool) = 'object'::text)),
    CONSTRAINT pbx_hosts_shape_check CHECK ((shape = ANY (ARRAY['classic'::text, 'compact'::text])))
);

COMMENT ON COLUMN public.pbx_hosts.allowed_addresses IS 'requests of this host come from here; empty: from anywhere';

COMMENT ON COLUMN public.pbx_hosts.loaded_pool IS '{"internal_ids":[31],"lines":["0001363"],"missing":["mngr31_0001363_1"]}: every pair but the missing is loaded; null: never reported';

COMMENT ON COLUMN public.pbx_hosts.announced_pool IS 'the pool a host is about to load: until its report only contexts in both count';

COMMENT ON COLUMN public.pbx_hosts.install IS 'none: no releases are made for this host';

ALTER TABLE public.pbx_hosts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pbx_hosts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.settings_versions (
    enterprise_id integer NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    cache_epoch bigint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.settings_versions IS 'bumped by triggers, so that any writer counts; cache_epoch by /cache/clear';

CREATE TABLE public.shop_lines (
    enterprise_id integer NOT NULL,
    shop_id integer NOT NULL,
    line_id text NOT NULL
);

CREATE TABLE public.shops (
    enterprise_id integer NOT NULL,
    id integer NOT NULL,
    name text NOT NULL
);

ALTER TABLE public.shops ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shops_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.user_extensions (
    enterprise_id integer NOT NULL,
    connection_id integer NOT NULL,
    manager_id text NOT NULL,
    extension text NOT NULL
);

COMMENT ON TABLE public.user_extensions IS 'manager of a CRM to extension, set by hand: wins over what the CRM says';

CREATE TABLE public.user_internal_phones (
    enterprise_id integer NOT NULL,
    id integer NOT NULL,
    user_id integer,
    number text NOT NULL,
    outgoing_schema_id text,
    CONSTRAINT user_internal_phones_number_check CHECK ((number ~ '^[0-9]{1,10}$'::text))
);

COMMENT ON COLUMN public.user_internal_phones.id IS 'the internal_id: the N of mngrN_<line>_1';

ALTER TABLE public.user_internal_phones ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.user_internal_phones_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.users (
    enterprise_id integer NOT NULL,
    id integer NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    patronymic text DEFAULT ''::text NOT NULL,
    email text,
    personal_phone text,
    follow_me_number integer,
    follow_me_enabled boolean DEFAULT false NOT NULL,
    CONSTRAINT users_follow_me_number_check CHECK (((follow_me_number >= 100) AND (follow_me_number <= 899)))
);

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.call_participants ATTACH PARTITION public.call_participants_default DEFAULT;

ALTER TABLE ONLY public.calls ATTACH PARTITION public.calls_default DEFAULT;

ALTER TABLE ONLY public.decisions ATTACH PARTITION public.decisions_default DEFAULT;

ALTER TABLE ONLY public.agent_keys
    ADD CONSTRAINT agent_keys_pkey PRIMARY KEY (key_hash);

ALTER TABLE ONLY public.call_participants
    ADD CONSTRAINT call_participants_pkey PRIMARY KEY (enterprise_id, host_id, unique_id, extension, started_at);

ALTER TABLE ONLY public.call_participants_default
    ADD CONSTRAINT call_participants_default_pkey PRIMARY KEY (enterprise_id, host_id, unique_id, extension, started_at);

ALTER TABLE ONLY public.call_tokens
    ADD CONSTRAINT call_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.caller_history
    ADD CONSTRAINT caller_history_pkey PRIMARY KEY (enterprise_id, phone);

ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (enterprise_id, host_id, unique_id, started_at);

ALTER TABLE ONLY public.calls_default
    ADD CONSTRAINT calls_default_pkey PRIMARY KEY (enterprise_id, host_id, unique_id, started_at);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (enterprise_id, phone);

ALTER TABLE ONLY public.crm_budgets
    ADD CONSTRAINT crm_budgets_pkey PRIMARY KEY (enterprise_id, connection_id);

ALTER TABLE ONLY public.crm_connections
    ADD CONSTRAINT crm_connections_enterprise_id_position_key UNIQUE (enterprise_id, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.crm_connections
    ADD CONSTRAINT crm_connections_hook_key UNIQUE (hook);

ALTER TABLE ONLY public.crm_connections
    ADD CONSTRAINT crm_connections_pkey PRIMARY KEY (enterprise_id, id);

ALTER TABLE ONLY public.crm_contacts
    ADD CONSTRAINT crm_contacts_pkey PRIMARY KEY (enterprise_id, phone, connection_id, external_id);

ALTER TABLE ONLY public.crm_dirty
    ADD CONSTRAINT crm_dirty_pkey PRIMARY KEY (enterprise_id, connection_id, external_id);

ALTER TABLE ONLY public.crm_leases
    ADD CONSTRAINT crm_leases_pkey PRIMARY KEY (enterprise_id, connection_id);

ALTER TABLE ONLY public.crm_managers
    ADD CONSTRAINT crm_managers_pkey PRIMARY KEY (enterprise_id, connection_id, id);

ALTER TABLE ONLY public.crm_misses
    ADD CONSTRAINT crm_misses_pkey PRIMARY KEY (enterprise_id, connection_id, phone);

ALTER TABLE ONLY public.crm_people
    ADD CONSTRAINT crm_people_pkey PRIMARY KEY (enterprise_id, connection_id, external_id);

ALTER TABLE ONLY public.crm_sync
    ADD CONSTRAINT crm_sync_pkey PRIMARY KEY (enterprise_id, connection_id);

ALTER TABLE ONLY public.crm_tokens
    ADD CONSTRAINT crm_tokens_pkey PRIMARY KEY (enterprise_id, connection_id);

ALTER TABLE ONLY public.dead_events
    ADD CONSTRAINT dead_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.department_members
    ADD CONSTRAINT department_members_pkey PRIMARY KEY (enterprise_id, department_id, internal_id);

ALTER TABLE ONLY public.departments
    ADD CONSTRAINT departments_enterprise_id_number_key UNIQUE (enterprise_id, number);

ALTER TABLE ONLY public.departments
    ADD CONSTRAINT departments_pkey PRIMARY KEY (enterprise_id, id);

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.dial_schemas
    ADD CONSTRAINT dial_schemas_enterprise_id_type_name_key UNIQUE (enterprise_id, type, name);

ALTER TABLE ONLY public.dial_schemas
    ADD CONSTRAINT dial_schemas_pkey PRIMARY KEY (enterprise_id, schema_id);

ALTER TABLE ONLY public.dialplan_contents
    ADD CONSTRAINT dialplan_contents_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.dialplan_hosts
    ADD CONSTRAINT dialplan_hosts_pkey PRIMARY KEY (enterprise_id, host_id);

ALTER TABLE ONLY public.dialplan_leases
    ADD CONSTRAINT dialplan_leases_pkey PRIMARY KEY (enterprise_id);

ALTER TABLE ONLY public.dialplan_outbox
    ADD CONSTRAINT dialplan_outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dialplan_releases
    ADD CONSTRAINT dialplan_releases_enterprise_id_host_id_id_key UNIQUE (enterprise_id, host_id, id);

ALTER TABLE ONLY public.dialplan_releases
    ADD CONSTRAINT dialplan_releases_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dialplan_retired
    ADD CONSTRAINT dialplan_retired_pkey PRIMARY KEY (enterprise_id, host_id, context);

ALTER TABLE ONLY public.enterprises
    ADD CONSTRAINT enterprises_number_key UNIQUE (number);

ALTER TABLE ONLY public.enterprises
    ADD CONSTRAINT enterprises_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.follow_me_steps
    ADD CONSTRAINT follow_me_steps_pkey PRIMARY KEY (enterprise_id, user_id, step);

ALTER TABLE ONLY public.host_files
    ADD CONSTRAINT host_files_pkey PRIMARY KEY (enterprise_id, host_id);

ALTER TABLE ONLY public.host_reports
    ADD CONSTRAINT host_reports_pkey PRIMARY KEY (enterprise_id, host_id);

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_pkey PRIMARY KEY (enterprise_id, line_id);

ALTER TABLE ONLY public.pbx_hosts
    ADD CONSTRAINT pbx_hosts_enterprise_id_id_key UNIQUE (enterprise_id, id);

ALTER TABLE ONLY public.pbx_hosts
    ADD CONSTRAINT pbx_hosts_enterprise_id_name_key UNIQUE (enterprise_id, name);

ALTER TABLE ONLY public.pbx_hosts
    ADD CONSTRAINT pbx_hosts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.settings_versions
    ADD CONSTRAINT settings_versions_pkey PRIMARY KEY (enterprise_id);

ALTER TABLE ONLY public.shop_lines
    ADD CONSTRAINT shop_lines_pkey PRIMARY KEY (enterprise_id, shop_id, line_id);

ALTER TABLE ONLY public.shops
    ADD CONSTRAINT shops_pkey PRIMARY KEY (enterprise_id, id);

ALTER TABLE ONLY public.user_extensions
    ADD CONSTRAINT user_extensions_pkey PRIMARY KEY (enterprise_id, connection_id, manager_id);

ALTER TABLE ONLY public.user_internal_phones
    ADD CONSTRAINT user_internal_phones_enterprise_id_number_key UNIQUE (enterprise_id, number);

ALTER TABLE ONLY public.user_internal_phones
    ADD CONSTRAINT user_internal_phones_pkey PRIMARY KEY (enterprise_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_enterprise_id_follow_me_number_key UNIQUE (enterprise_id, follow_me_number);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (enterprise_id, id);

CREATE INDEX agent_keys_host ON public.agent_keys USING btree (enterprise_id, host_id);

CREATE INDEX call_tokens_enterprise_id_idx ON public.call_tokens USING btree (enterprise_id);

CREATE INDEX calls_enterprise_id_caller_started_at_idx ON ONLY public.calls USING btree (enterprise_id, caller, started_at DESC);

CREATE INDEX calls_default_enterprise_id_caller_started_at_idx ON public.calls_default USING btree (enterprise_id, caller, started_at DESC);

CREATE INDEX calls_enterprise_id_started_at_idx ON ONLY public.calls USING btree (enterprise_id, started_at DESC);

CREATE INDEX calls_default_enterprise_id_started_at_idx ON public.calls_default USING btree (enterprise_id, started_at DESC);

CREATE INDEX crm_contacts_expiring ON public.crm_contacts USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX crm_contacts_person ON public.crm_contacts USING btree (enterprise_id, connection_id, external_id);

CREATE INDEX crm_misses_until ON public.crm_misses USING btree (until);

CREATE INDEX crm_staging_connection ON public.crm_staging USING btree (enterprise_id, connection_id);

CREATE INDEX decisions_enterprise_id_decided_at_idx ON ONLY public.decisions USING btree (enterprise_id, decided_at DESC);

CREATE INDEX decisions_default_enterprise_id_decided_at_idx ON public.decisions_default USING btree (enterprise_id, decided_at DESC);

CREATE INDEX dialplan_outbox_enterprise ON public.dialplan_outbox USING btree (enterprise_id, id);

CREATE INDEX dialplan_releases_name ON public.dialplan_releases USING btree (enterprise_id, host_id, name);

CREATE INDEX dialplan_releases_sha256 ON public.dialplan_releases USING btree (sha256);

CREATE INDEX dialplan_retired_at ON public.dialplan_retired USING btree (retired_at);

ALTER INDEX public.call_participants_pkey ATTACH PARTITION public.call_participants_default_pkey;

ALTER INDEX public.calls_enterprise_id_caller_started_at_idx ATTACH PARTITION public.calls_default_enterprise_id_caller_started_at_idx;

ALTER INDEX public.calls_enterprise_id_started_at_idx ATTACH PARTITION public.calls_default_enterprise_id_started_at_idx;

ALTER INDEX public.calls_pkey ATTACH PARTITION public.calls_default_pkey;

ALTER INDEX public.decisions_enterprise_id_decided_at_idx ATTACH PARTITION public.decisions_default_enterprise_id_decided_at_idx;

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.department_members REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.departments REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.dial_schemas REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.follow_me_steps REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.host_files REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.lines REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.user_internal_phones REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_deleted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.department_members REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.departments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.dial_schemas REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.follow_me_steps REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.host_files REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.lines REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.pbx_hosts FOR EACH ROW WHEN ((new.install <> 'none'::text)) EXECUTE FUNCTION public.dialplan_row_changed('enterprise_id');

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.user_internal_phones REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_inserted();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.department_members FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.departments FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.dial_schemas FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.follow_me_steps FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.host_files FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.lines FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.user_internal_phones FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_truncate AFTER TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_truncated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.department_members REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.departments REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.dial_schemas REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.enterprises FOR EACH ROW WHEN (((((old.number IS DISTINCT FROM new.number) OR (old.country IS DISTINCT FROM new.country)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.recording IS DISTINCT FROM new.recording))) EXECUTE FUNCTION public.dialplan_row_changed('id');

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.follow_me_steps REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.host_files REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.lines REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.pbx_hosts FOR EACH ROW WHEN ((((old.install IS DISTINCT FROM new.install) OR (old.dialect IS DISTINCT FROM new.dialect)) OR (old.shape IS DISTINCT FROM new.shape))) EXECUTE FUNCTION public.dialplan_row_changed('enterprise_id');

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.user_internal_phones REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER dialplan_update AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.dialplan_updated();

CREATE TRIGGER settings_version AFTER INSERT OR UPDATE ON public.enterprises FOR EACH ROW EXECUTE FUNCTION public.enterprise_changed();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.call_tokens REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.crm_connections REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.lines REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.pbx_hosts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.shop_lines REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.shops REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.user_extensions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.user_internal_phones REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_deleted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.call_tokens REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.crm_connections REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.lines REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.pbx_hosts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.shop_lines REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.shops REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.user_extensions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.user_internal_phones REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_inserted();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.call_tokens FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.crm_connections FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.lines FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.pbx_hosts FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.shop_lines FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.shops FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.user_extensions FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.user_internal_phones FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.settings_truncated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.call_tokens REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.crm_connections REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.lines REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.pbx_hosts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.shop_lines REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.shops REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.user_extensions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.user_internal_phones REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

CREATE TRIGGER settings_version_update AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.settings_updated();

ALTER TABLE ONLY public.agent_keys
    ADD CONSTRAINT agent_keys_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.call_tokens
    ADD CONSTRAINT call_tokens_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.call_tokens
    ADD CONSTRAINT call_tokens_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.caller_history
    ADD CONSTRAINT caller_history_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_budgets
    ADD CONSTRAINT crm_budgets_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_connections
    ADD CONSTRAINT crm_connections_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_contacts
    ADD CONSTRAINT crm_contacts_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_dirty
    ADD CONSTRAINT crm_dirty_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_leases
    ADD CONSTRAINT crm_leases_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_managers
    ADD CONSTRAINT crm_managers_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_misses
    ADD CONSTRAINT crm_misses_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_people
    ADD CONSTRAINT crm_people_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_sync
    ADD CONSTRAINT crm_sync_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.crm_tokens
    ADD CONSTRAINT crm_tokens_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.department_members
    ADD CONSTRAINT department_members_enterprise_id_department_id_fkey FOREIGN KEY (enterprise_id, department_id) REFERENCES public.departments(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.department_members
    ADD CONSTRAINT department_members_enterprise_id_internal_id_fkey FOREIGN KEY (enterprise_id, internal_id) REFERENCES public.user_internal_phones(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.departments
    ADD CONSTRAINT departments_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dial_schemas
    ADD CONSTRAINT dial_schemas_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dialplan_hosts
    ADD CONSTRAINT dialplan_hosts_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dialplan_hosts
    ADD CONSTRAINT dialplan_hosts_enterprise_id_host_id_wanted_release_fkey FOREIGN KEY (enterprise_id, host_id, wanted_release) REFERENCES public.dialplan_releases(enterprise_id, host_id, id);

ALTER TABLE ONLY public.dialplan_leases
    ADD CONSTRAINT dialplan_leases_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dialplan_outbox
    ADD CONSTRAINT dialplan_outbox_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dialplan_releases
    ADD CONSTRAINT dialplan_releases_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dialplan_retired
    ADD CONSTRAINT dialplan_retired_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.follow_me_steps
    ADD CONSTRAINT follow_me_steps_enterprise_id_user_id_fkey FOREIGN KEY (enterprise_id, user_id) REFERENCES public.users(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.host_files
    ADD CONSTRAINT host_files_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.host_reports
    ADD CONSTRAINT host_reports_enterprise_id_host_id_fkey FOREIGN KEY (enterprise_id, host_id) REFERENCES public.pbx_hosts(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_enterprise_id_in_schema_id_fkey FOREIGN KEY (enterprise_id, in_schema_id) REFERENCES public.dial_schemas(enterprise_id, schema_id) ON DELETE SET NULL (in_schema_id);

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_enterprise_id_out_schema_id_fkey FOREIGN KEY (enterprise_id, out_schema_id) REFERENCES public.dial_schemas(enterprise_id, schema_id) ON DELETE SET NULL (out_schema_id);

ALTER TABLE ONLY public.pbx_hosts
    ADD CONSTRAINT pbx_hosts_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.settings_versions
    ADD CONSTRAINT settings_versions_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.shop_lines
    ADD CONSTRAINT shop_lines_enterprise_id_line_id_fkey FOREIGN KEY (enterprise_id, line_id) REFERENCES public.lines(enterprise_id, line_id) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.shop_lines
    ADD CONSTRAINT shop_lines_enterprise_id_shop_id_fkey FOREIGN KEY (enterprise_id, shop_id) REFERENCES public.shops(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.shops
    ADD CONSTRAINT shops_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_extensions
    ADD CONSTRAINT user_extensions_enterprise_id_connection_id_fkey FOREIGN KEY (enterprise_id, connection_id) REFERENCES public.crm_connections(enterprise_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_internal_phones
    ADD CONSTRAINT user_internal_phones_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_internal_phones
    ADD CONSTRAINT user_internal_phones_enterprise_id_outgoing_schema_id_fkey FOREIGN KEY (enterprise_id, outgoing_schema_id) REFERENCES public.dial_schemas(enterprise_id, schema_id) ON DELETE SET NULL (outgoing_schema_id);

ALTER TABLE ONLY public.user_internal_phones
    ADD CONSTRAINT user_internal_phones_enterprise_id_user_id_fkey FOREIGN KEY (enterprise_id, user_id) REFERENCES public.users(enterprise_id, id) ON DELETE SET NULL (user_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES public.enterprises(id) ON DELETE CASCADE;
