-- CRM connections as an operator keeps them. Every query names enterprise ($1), all but `listed` and `add` connection ($2).

-- name: find
-- $2 name or id, as text.
SELECT id, vendor, name FROM crm_connections WHERE enterprise_id = $1 AND (name = $2 OR id::text = $2)
ORDER BY (name = $2) DESC LIMIT 2

-- name: add
-- $2 vendor, $3 name, $4 position or null for the last, $5 settings. Those behind the position move up by one.
WITH place AS (
    SELECT coalesce($4::int, (SELECT coalesce(max(position), 0) + 1 FROM crm_connections WHERE enterprise_id = $1)) AS position
), moved AS (
    UPDATE crm_connections c SET position = c.position + 1 FROM place
    WHERE c.enterprise_id = $1 AND c.position >= place.position
)
INSERT INTO crm_connections (enterprise_id, vendor, name, position, settings)
SELECT $1, $2, $3, place.position, $5 FROM place
RETURNING id

-- name: set
-- $3 name, $4 enabled, $5 settings to lay over those that are there (null members are taken out); null: as it is.
UPDATE crm_connections SET name = coalesce($3, name), enabled = coalesce($4, enabled),
    settings = jsonb_strip_nulls(settings || coalesce($5, '{}'::jsonb))
WHERE enterprise_id = $1 AND id = $2

-- name: move
-- $3 position. Those from there on move up by one.
UPDATE crm_connections SET position = CASE WHEN id = $2 THEN $3 ELSE position + 1 END
WHERE enterprise_id = $1 AND (id = $2 OR position >= $3)

-- name: seal
-- $3 sealed credentials, $4 key id.
UPDATE crm_connections SET sealed = $3, key_id = $4 WHERE enterprise_id = $1 AND id = $2

-- name: renew_hook
-- $3 HMAC of the secret. The address before it counts no more.
UPDATE crm_connections SET hook = gen_random_uuid(), hook_hash = $3 WHERE enterprise_id = $1 AND id = $2 RETURNING hook

-- name: close_breaker
-- After new credentials or settings there is no reason to wait.
UPDATE crm_sync SET open_until = NULL, look_ups_open_until = NULL, failures = 0, next_at = clock_timestamp()
WHERE enterprise_id = $1 AND connection_id = $2

-- name: listed
SELECT c.id, c.position, c.vendor, c.name, c.enabled, c.sealed IS NOT NULL AS has_credentials,
    c.hook_hash IS NOT NULL AS has_hook, coalesce(c.settings @> '{"live": true}', false) AS live,
    s.walk_done, s.walk_total, s.walked_at, s.synced_at, s.next_at, s.failures, s.error,
    s.open_until > clock_timestamp() AS is_open, s.is_sweeping, s.swept_at, l.until > clock_timestamp() AS runs,
    extract(epoch FROM clock_timestamp() - s.synced_at)::float8 AS synced_ago,
    CASE WHEN s.look_ups_open_until > clock_timestamp() THEN s.look_ups_open_until END AS no_look_ups_before
FROM crm_connections c
LEFT JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.id
LEFT JOIN crm_leases l ON l.enterprise_id = c.enterprise_id AND l.connection_id = c.id
WHERE c.enterprise_id = $1
ORDER BY c.position

-- name: counts
SELECT
    (SELECT count(*) FROM crm_people WHERE enterprise_id = $1 AND connection_id = $2) AS people,
    (SELECT count(*) FROM crm_contacts WHERE enterprise_id = $1 AND connection_id = $2) AS phones,
    (SELECT count(*) FROM crm_dirty WHERE enterprise_id = $1 AND connection_id = $2) AS marked

-- name: met
-- How many people the walk or sweep that runs, or ran last, has met.
SELECT count(*) FROM crm_people p
JOIN crm_sync s ON s.enterprise_id = p.enterprise_id AND s.connection_id = p.connection_id AND s.sweep = p.sweep
WHERE p.enterprise_id = $1 AND p.connection_id = $2

-- name: managers
-- What the CRM says of each manager, the extension by hand, and whether the one that counts is one of ours.
WITH known AS (
    SELECT coalesce(m.id, x.manager_id) AS id, coalesce(m.name, '') AS name, coalesce(m.is_active, true) AS is_active,
        m.extension AS from_crm, x.extension AS by_hand
    FROM (SELECT * FROM crm_managers WHERE enterprise_id = $1 AND connection_id = $2) m
    FULL JOIN (SELECT * FROM user_extensions WHERE enterprise_id = $1 AND connection_id = $2) x ON x.manager_id = m.id
)
SELECT known.*, EXISTS (
    SELECT FROM user_internal_phones p WHERE p.enterprise_id = $1
        AND ltrim(p.number, '0') = ltrim(coalesce(known.by_hand, known.from_crm), '0')) AS is_ours
FROM known ORDER BY length(id), id

-- name: map
-- $3 manager, $4 extension.
INSERT INTO user_extensions (enterprise_id, connection_id, manager_id, extension) VALUES ($1, $2, $3, $4)
ON CONFLICT (enterprise_id, connection_id, manager_id) DO UPDATE SET extension = excluded.extension

-- name: unmap
-- $3 manager.
DELETE FROM user_extensions WHERE enterprise_id = $1 AND connection_id = $2 AND manager_id = $3

-- name: walk_anew
-- Whoever is not met by the new walk is dropped when it ends.
UPDATE crm_sync SET cursor = NULL, walked_at = NULL, walk_done = 0, walk_total = NULL, sweep = sweep + 1,
    is_sweeping = false, sweep_cursor = NULL, next_at = clock_timestamp()
WHERE enterprise_id = $1 AND connection_id = $2
