-- The snapshot: one JSON value with all settings of an enterprise that a decision needs, and the triggers that version it.

CREATE FUNCTION bump_settings_versions(p_enterprises int[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO settings_versions (enterprise_id)
    SELECT e.id FROM enterprises e WHERE e.id = ANY (p_enterprises) ORDER BY e.id
    ON CONFLICT (enterprise_id) DO UPDATE SET version = settings_versions.version + 1
$$;

CREATE FUNCTION settings_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT DISTINCT enterprise_id FROM new_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION settings_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT DISTINCT enterprise_id FROM old_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION settings_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_settings_versions(
        ARRAY(SELECT enterprise_id FROM old_rows UNION SELECT enterprise_id FROM new_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION settings_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY(SELECT id FROM enterprises));
    RETURN NULL;
END $$;

CREATE FUNCTION enterprise_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_settings_versions(ARRAY[NEW.id]);
    RETURN NULL;
END $$;

CREATE TRIGGER settings_version AFTER INSERT OR UPDATE ON enterprises
    FOR EACH ROW EXECUTE FUNCTION enterprise_changed();

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['pbx_hosts', 'call_tokens', 'users', 'user_internal_phones', 'lines', 'shops',
                                   'shop_lines', 'crm_connections', 'user_extensions'] LOOP
        EXECUTE format('CREATE TRIGGER settings_version_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION settings_inserted()', v_table);
        EXECUTE format('CREATE TRIGGER settings_version_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION settings_deleted()', v_table);
        EXECUTE format('CREATE TRIGGER settings_version_update AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION settings_updated()', v_table);
        EXECUTE format('CREATE TRIGGER settings_version_truncate AFTER TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION settings_truncated()', v_table);
    END LOOP;
END $$;

CREATE FUNCTION settings_snapshot(p_enterprise int) RETURNS jsonb LANGUAGE sql STABLE AS $$
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
