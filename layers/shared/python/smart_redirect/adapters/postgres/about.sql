-- What the operator asks about callers. Every query but the first names enterprise ($1).

-- name: enterprise
-- $1 number.
SELECT v.version, settings_snapshot(e.id) AS snapshot
FROM enterprises e JOIN settings_versions v ON v.enterprise_id = e.id WHERE e.number = $1

-- name: origins
-- $2 phone, $3 how long what a live look-up found is believed. Where each connection's word is from, and how old it is:
-- a live look-up's end says when it was made, the mirror's is as old as its last run.
SELECT c.connection_id, bool_and(c.expires_at IS NOT NULL) AS is_live,
    extract(epoch FROM clock_timestamp() - CASE
        WHEN bool_and(c.expires_at IS NOT NULL) THEN max(c.expires_at) - $3::interval ELSE max(s.synced_at)
    END)::float8 AS age
FROM crm_contacts c
LEFT JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.connection_id
WHERE c.enterprise_id = $1 AND c.phone = $2 AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
GROUP BY c.connection_id

-- name: managers
SELECT connection_id, id, extension, is_active FROM crm_managers
WHERE enterprise_id = $1 AND (extension IS NOT NULL OR NOT is_active)

-- name: accounts
-- $2 vendor, null: all. $3 whether those whose breaker is open count too.
SELECT c.id, c.vendor, e.country, c.settings, c.sealed, c.key_id
FROM crm_connections c JOIN enterprises e ON e.id = c.enterprise_id
LEFT JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.id
WHERE c.enterprise_id = $1 AND c.enabled AND c.sealed IS NOT NULL AND ($2::text IS NULL OR c.vendor = $2)
    AND ($3::boolean OR s.open_until IS NULL OR s.open_until <= clock_timestamp())
ORDER BY c.position
