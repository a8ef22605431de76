-- Webhooks of CRMs, and what the operator asks of an enterprise's CRMs.

-- name: hook
-- $1 the name in the address.
SELECT enterprise_id, id, vendor, hook_hash FROM crm_connections
WHERE hook = $1 AND hook_hash IS NOT NULL AND enabled AND sealed IS NOT NULL

-- name: hint
-- $1 enterprise, $2 connection, $3 ids. Marks them, and a connection with marks is due (`due` in mirror.sql). Locks nothing
-- but their rows, by id as syncs do, so that it waits for no page and ends in no deadlock with one.
INSERT INTO crm_dirty (enterprise_id, connection_id, external_id)
SELECT c.enterprise_id, c.id, person.external_id
FROM crm_connections c, unnest($3::text[]) AS person (external_id)
WHERE c.enterprise_id = $1 AND c.id = $2 ORDER BY person.external_id
ON CONFLICT (enterprise_id, connection_id, external_id) DO UPDATE SET mark = DEFAULT

-- name: hint_nobody
-- $1 enterprise, $2 connection. Has it synced at the next turn; beside a page that is being written, that run goes on anyway.
UPDATE crm_sync SET next_at = least(next_at, clock_timestamp())
WHERE enterprise_id = $1 AND connection_id = $2 AND (
    SELECT true FROM crm_sync WHERE enterprise_id = $1 AND connection_id = $2 FOR UPDATE SKIP LOCKED)

-- name: clear_caches
-- $1 number of an enterprise, null: all. What processes keep of callers, and what look-ups found or did not find, counts no
-- more; what the mirror has stays.
WITH named AS (
    SELECT id FROM enterprises WHERE $1::text IS NULL OR number = $1
), forgotten AS (
    DELETE FROM crm_misses m USING named WHERE m.enterprise_id = named.id
), looked_up AS (
    DELETE FROM crm_contacts c USING named WHERE c.enterprise_id = named.id AND c.expires_at IS NOT NULL
)
UPDATE settings_versions v SET cache_epoch = cache_epoch + 1 FROM named WHERE v.enterprise_id = named.id
RETURNING v.enterprise_id

-- name: policy
-- $1 number of an enterprise.
SELECT jsonb_build_object(
    'enterprise', e.number, 'mode', e.mode, 'shadow', e.shadow, 'switched_off', e.switched_off,
    'order', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'vendor', c.vendor, 'name', c.name) ORDER BY c.position), '[]')
        FROM crm_connections c WHERE c.enterprise_id = e.id AND c.enabled),
    'primary', (
        SELECT c.name FROM crm_connections c WHERE c.enterprise_id = e.id AND c.enabled ORDER BY c.position LIMIT 1),
    'lines', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'line', l.line_id, 'enabled', l.enabled, 'do_routing', l.do_routing, 'algorithms', to_jsonb(l.algorithms),
            'crm_falls_back', l.crm_falls_back) ORDER BY l.line_id), '[]')
        FROM lines l WHERE l.enterprise_id = e.id)
)
FROM enterprises e WHERE e.number = $1
