-- Live look-ups: whom to ask, and what they found. Every query names enterprise ($1).

-- name: accounts
SELECT c.id, c.vendor, e.country, c.settings, c.sealed, c.key_id
FROM crm_connections c JOIN enterprises e ON e.id = c.enterprise_id
WHERE c.enterprise_id = $1 AND c.enabled AND c.sealed IS NOT NULL AND c.settings @> '{"live": true}'
ORDER BY c.position

-- name: askable
-- $2 phone. One row for each manager on whose extension the mirror has a word, one in all if there is none.
SELECT c.id, m.id AS manager_id, m.extension, m.is_active FROM crm_connections c
LEFT JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.id
LEFT JOIN crm_managers m ON m.enterprise_id = c.enterprise_id AND m.connection_id = c.id
    AND c.settings @> '{"live": true}' AND (m.extension IS NOT NULL OR NOT m.is_active)
WHERE c.enterprise_id = $1 AND (s.open_until IS NULL OR s.open_until <= clock_timestamp())
  AND (s.look_ups_open_until IS NULL OR s.look_ups_open_until <= clock_timestamp())
  AND NOT EXISTS (
    SELECT FROM crm_misses m WHERE m.enterprise_id = c.enterprise_id AND m.connection_id = c.id AND m.phone = $2
        AND m.until > clock_timestamp())

-- name: limited
-- $2 connection, $3 how long nobody asks.
INSERT INTO crm_sync AS s (enterprise_id, connection_id, open_until)
SELECT c.enterprise_id, c.id, clock_timestamp() + $3::interval
FROM crm_connections c WHERE c.enterprise_id = $1 AND c.id = $2
ON CONFLICT (enterprise_id, connection_id) DO UPDATE SET open_until = greatest(s.open_until, excluded.open_until)

-- name: refused
-- $2 connection, $3 how long nobody looks callers up.
INSERT INTO crm_sync AS s (enterprise_id, connection_id, look_ups_open_until)
SELECT c.enterprise_id, c.id, clock_timestamp() + $3::interval
FROM crm_connections c WHERE c.enterprise_id = $1 AND c.id = $2
ON CONFLICT (enterprise_id, connection_id) DO UPDATE
    SET look_ups_open_until = greatest(s.look_ups_open_until, excluded.look_ups_open_until)

-- name: found
-- $2 connection, $3 ids, $4 phones, $5 names, $6 responsibles, $7 extensions, $8 times, $9 leads,
-- $10 how long it is believed.
-- What the mirror has wins: this may be older than what a sync wrote meanwhile. The mark has the next sync decide.
WITH found AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
        $9::boolean[]) AS f (external_id, phone, name, responsible_id, extension, updated_at, is_lead)
), marked AS (
    INSERT INTO crm_dirty (enterprise_id, connection_id, external_id)
    SELECT DISTINCT c.enterprise_id, c.id, found.external_id FROM found, crm_connections c
    WHERE c.enterprise_id = $1 AND c.id = $2 ORDER BY found.external_id
    ON CONFLICT (enterprise_id, connection_id, external_id) DO UPDATE SET mark = DEFAULT
)
INSERT INTO crm_contacts AS c
    (enterprise_id, phone, connection_id, external_id, name, responsible_id, responsible_extension, updated_at, is_lead,
    expires_at)
SELECT n.enterprise_id, found.phone, n.id, found.external_id, found.name, found.responsible_id, found.extension,
    found.updated_at, found.is_lead, clock_timestamp() + $10::interval
FROM found, crm_connections n WHERE n.enterprise_id = $1 AND n.id = $2
ON CONFLICT (enterprise_id, phone, connection_id, external_id) DO UPDATE
    SET name = excluded.name, responsible_id = excluded.responsible_id,
        responsible_extension = excluded.responsible_extension, updated_at = excluded.updated_at,
        is_lead = excluded.is_lead, expires_at = excluded.expires_at
    WHERE c.expires_at IS NOT NULL

-- name: missed
-- $2 connection, $3 phone, $4 how long it is believed.
INSERT INTO crm_misses (enterprise_id, connection_id, phone, until)
SELECT c.enterprise_id, c.id, $3, clock_timestamp() + $4::interval
FROM crm_connections c WHERE c.enterprise_id = $1 AND c.id = $2
ON CONFLICT (enterprise_id, connection_id, phone) DO UPDATE SET until = excluded.until
