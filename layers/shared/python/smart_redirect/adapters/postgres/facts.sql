-- name: caller_facts
-- One round trip a call: the caller's history, what the CRMs and our own contacts know of the phone, the
-- version of the settings, and the settings themselves when the asker ($3) has another version.
SELECT
    v.version,
    v.cache_epoch,
    d.switched_off,
    CASE WHEN v.version <> $3::bigint THEN settings_snapshot(v.enterprise_id) END AS snapshot,
    h.first_extension,
    h.first_internal_id,
    h.first_user_id,
    extract(epoch FROM h.first_answered_at)::float8 AS first_at,
    h.last_extension,
    h.last_internal_id,
    h.last_user_id,
    extract(epoch FROM h.last_answered_at)::float8 AS last_at,
    (SELECT o.name FROM contacts o WHERE o.enterprise_id = v.enterprise_id AND o.phone = $2::text) AS own_name,
    (
        SELECT json_agg(json_build_array(
            c.connection_id, c.name, c.responsible_id,
            CASE WHEN m.is_active IS NOT FALSE THEN coalesce(m.extension, c.responsible_extension) END,
            extract(epoch FROM c.updated_at)
        ) ORDER BY (c.responsible_id IS NULL), c.updated_at DESC, length(c.external_id), c.external_id)
        FROM crm_contacts c
        LEFT JOIN crm_managers m ON m.enterprise_id = c.enterprise_id AND m.connection_id = c.connection_id
            AND m.id = c.responsible_id
        WHERE c.enterprise_id = v.enterprise_id AND c.phone = $2::text
            AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
    ) AS contacts
FROM settings_versions v
CROSS JOIN deployment d
LEFT JOIN caller_history h ON h.enterprise_id = v.enterprise_id AND h.phone = $2::text
WHERE v.enterprise_id = $1::int

-- name: snapshot_by_token
SELECT v.version, settings_snapshot(v.enterprise_id) AS snapshot
FROM call_tokens t JOIN settings_versions v USING (enterprise_id)
WHERE t.token_hash = $1

-- name: snapshot_by_id
SELECT v.version, settings_snapshot(v.enterprise_id) AS snapshot
FROM settings_versions v
WHERE v.enterprise_id = $1
