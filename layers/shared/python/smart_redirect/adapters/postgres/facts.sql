-- name: caller_facts
-- One round trip a call: the caller's history, what the CRMs and our own contacts know of the phone, the version of the
-- settings, and the settings themselves when the asker ($3) has another version. One row for each contact of the phone,
-- one in all if there is none: joins cost a fifth less than the same contacts as JSON (docs/performance.md).
SELECT
    v.version,
    v.cache_epoch,
    d.switched_off,
    CASE WHEN v.version <> $3::bigint THEN settings_snapshot(v.enterprise_id) END AS snapshot,
    h.first_extension,
    h.first_internal_id,
    h.first_user_id,
    date_part('epoch', h.first_answered_at) AS first_at,
    h.last_extension,
    h.last_internal_id,
    h.last_user_id,
    date_part('epoch', h.last_answered_at) AS last_at,
    o.name AS own_name,
    c.connection_id,
    c.name,
    c.responsible_id,
    CASE WHEN m.is_active IS NOT FALSE THEN coalesce(m.extension, c.responsible_extension) END AS responsible_extension,
    date_part('epoch', c.updated_at) AS updated_at,
    c.external_id,
    c.is_lead,
    date_part('epoch', c.expires_at - clock_timestamp()) AS lasts
FROM settings_versions v
CROSS JOIN deployment d
LEFT JOIN caller_history h ON h.enterprise_id = $1::int AND h.phone = $2::text
LEFT JOIN contacts o ON o.enterprise_id = $1::int AND o.phone = $2::text
LEFT JOIN crm_contacts c
    ON c.enterprise_id = $1::int AND c.phone = $2::text AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
LEFT JOIN crm_managers m
    ON m.enterprise_id = $1::int AND m.connection_id = c.connection_id AND m.id = c.responsible_id
WHERE v.enterprise_id = $1::int

-- name: snapshot_by_token
SELECT v.version, settings_snapshot(v.enterprise_id) AS snapshot
FROM call_tokens t JOIN settings_versions v USING (enterprise_id)
WHERE t.token_hash = $1

-- name: snapshot_by_id
SELECT v.version, settings_snapshot(v.enterprise_id) AS snapshot
FROM settings_versions v
WHERE v.enterprise_id = $1
