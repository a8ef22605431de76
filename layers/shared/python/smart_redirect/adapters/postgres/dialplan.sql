-- Queries of the dialplan: what changed, the settings of an enterprise, and what was made of them.

-- name: dirty
-- $1 how many. Enterprises with changes and no live lease, the longest waiting first.
SELECT o.enterprise_id
FROM dialplan_outbox o
LEFT JOIN dialplan_leases l ON l.enterprise_id = o.enterprise_id AND l.until > clock_timestamp()
WHERE l.enterprise_id IS NULL
GROUP BY o.enterprise_id
ORDER BY min(o.id)
LIMIT $1

-- name: outlive
-- $1 how long tombstones are kept. Marks the enterprises whose tombstones have had their time.
INSERT INTO dialplan_outbox (enterprise_id, reason)
SELECT DISTINCT r.enterprise_id, 'tombstones'
FROM dialplan_retired r
WHERE r.retired_at < clock_timestamp() - $1::interval
  AND NOT EXISTS (SELECT FROM dialplan_outbox o WHERE o.enterprise_id = r.enterprise_id)

-- name: mark
-- $1 enterprise, $2 reason. Returns the id of the outbox row.
INSERT INTO dialplan_outbox (enterprise_id, reason) VALUES ($1, $2) RETURNING id

-- name: enterprise_of
-- $1 number.
SELECT id FROM enterprises WHERE number = $1

-- name: exists
-- $1 enterprise.
SELECT EXISTS (SELECT FROM enterprises WHERE id = $1)

-- name: claim
-- $1 enterprise, $2 owner, $3 how long. Returns the fence; no row while another owner has the lease.
INSERT INTO dialplan_leases AS l (enterprise_id, owner, until)
SELECT e.id, $2, clock_timestamp() + $3::interval FROM enterprises e WHERE e.id = $1
ON CONFLICT (enterprise_id) DO UPDATE
    SET owner = excluded.owner, fence = l.fence + 1, until = excluded.until
    WHERE l.until <= clock_timestamp()
RETURNING fence

-- name: give_up
-- $1 enterprise, $2 fence.
UPDATE dialplan_leases SET until = clock_timestamp() WHERE enterprise_id = $1 AND fence = $2

-- name: hold
-- $1 enterprise, $2 fence. Holds the lease's row to the end of the transaction, and ends the lease with it; no row
-- when the claim is no longer ours.
UPDATE dialplan_leases SET until = clock_timestamp() WHERE enterprise_id = $1 AND fence = $2 RETURNING true

-- name: changes
-- $1 enterprise. The ids that this snapshot sees.
SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids, clock_timestamp() AS now
FROM dialplan_outbox WHERE enterprise_id = $1

-- name: forget
-- $1 enterprise, $2 ids. Deletes these very changes: ids of transactions that commit later may be lower.
DELETE FROM dialplan_outbox WHERE enterprise_id = $1 AND id = ANY ($2::bigint[])

-- name: model
-- $1 enterprise. One document, in the form that docs/dialplan.md gives.
SELECT jsonb_build_object(
    'number', e.number, 'country', e.country, 'time_zone', e.time_zone, 'recording', e.recording,
    'lines', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', l.line_id, 'enabled', l.enabled, 'in_scheme', l.in_schema_id,
            'number', coalesce(l.phone_number, ''), 'area_code', l.area_code, 'prefix', l.prefix)), '[]')
        FROM lines l WHERE l.enterprise_id = e.id),
    'extensions', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'internal_id', p.id, 'number', p.number, 'user_id', p.user_id,
            'out_scheme', p.outgoing_schema_id)), '[]')
        FROM user_internal_phones p WHERE p.enterprise_id = e.id),
    'users', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', u.id, 'follow_me_number', u.follow_me_number::text, 'follow_me_enabled', u.follow_me_enabled,
            'follow_me_steps', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'step', f.step, 'rings', f.rings, 'numbers', to_jsonb(f.numbers))), '[]')
                FROM follow_me_steps f WHERE f.enterprise_id = u.enterprise_id AND f.user_id = u.id))), '[]')
        FROM users u WHERE u.enterprise_id = e.id),
    'schemes', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', s.schema_id, 'name', s.name, 'type', s.type, 'data', s.data, 'context', s.context)), '[]')
        FROM dial_schemas s WHERE s.enterprise_id = e.id),
    'departments', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', d.id, 'number', d.number, 'members', (
                SELECT coalesce(jsonb_agg(m.internal_id), '[]') FROM department_members m
                WHERE m.enterprise_id = d.enterprise_id AND m.department_id = d.id))), '[]')
        FROM departments d WHERE d.enterprise_id = e.id)
)
FROM enterprises e WHERE e.id = $1

-- name: hosts
-- $1 enterprise. The hosts that get releases, with the release that they are to have now.
SELECT h.id, h.name, h.install, h.dialect, h.shape, coalesce(d.pinned, false) AS pinned, f.files,
    r.id AS release_id, r.name AS release, r.sha256, r.outline
FROM pbx_hosts h
LEFT JOIN dialplan_hosts d ON d.enterprise_id = h.enterprise_id AND d.host_id = h.id
LEFT JOIN host_files f ON f.enterprise_id = h.enterprise_id AND f.host_id = h.id
LEFT JOIN LATERAL (
    SELECT * FROM dialplan_releases r WHERE r.enterprise_id = h.enterprise_id AND r.host_id = h.id
    ORDER BY r.id DESC LIMIT 1) r ON true
WHERE h.enterprise_id = $1 AND h.install <> 'none'
ORDER BY h.id

-- name: retired
-- $1 enterprise, $2 how long tombstones are kept.
SELECT host_id, context, retired_at, shelter, line, priorities
FROM dialplan_retired
WHERE enterprise_id = $1 AND retired_at >= clock_timestamp() - $2::interval

-- name: add_release
INSERT INTO dialplan_releases (enterprise_id, host_id, name, sha256, install, dialect, shape, size, contexts,
    contexts_sha256, pool, outline, changes, findings)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING id

-- name: want
-- $1 enterprise, $2 host, $3 release or null for the one it has, $4 error, $5 findings. A pinned host keeps its release.
INSERT INTO dialplan_hosts AS d (enterprise_id, host_id, wanted_release, error, findings)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (enterprise_id, host_id) DO UPDATE SET
    wanted_release = CASE WHEN d.pinned THEN d.wanted_release ELSE coalesce(excluded.wanted_release, d.wanted_release) END,
    error = excluded.error, findings = excluded.findings, built_at = now()

-- name: retire
-- $1 enterprise, $2 host, $3 contexts, $4 since when, $5 shelters, $6 lines, $7 priorities.
INSERT INTO dialplan_retired (enterprise_id, host_id, context, retired_at, shelter, line, priorities)
SELECT $1, $2, context, $4, shelter, line, priorities
FROM unnest($3::text[], $5::text[], $6::text[], $7::int[]) AS r (context, shelter, line, priorities)
ON CONFLICT (enterprise_id, host_id, context) DO UPDATE SET
    retired_at = excluded.retired_at, shelter = excluded.shelter, line = excluded.line, priorities = excluded.priorities

-- name: drop_retired
-- $1 enterprise, $2 host, $3 the rows that the release of this host still carries. The others are live again, or old.
DELETE FROM dialplan_retired WHERE enterprise_id = $1 AND host_id = $2 AND NOT context = ANY ($3::text[])

-- name: pin
-- $1 enterprise, $2 host, $3 release. Goes back to a release until the next deploy.
UPDATE dialplan_hosts SET wanted_release = $3, pinned = true WHERE enterprise_id = $1 AND host_id = $2 RETURNING true

-- name: unpin
-- $1 enterprise. Wants the newest release of each host again.
UPDATE dialplan_hosts d SET pinned = false, wanted_release = (
    SELECT max(r.id) FROM dialplan_releases r WHERE r.enterprise_id = d.enterprise_id AND r.host_id = d.host_id)
WHERE d.enterprise_id = $1 AND d.pinned

-- name: put_content
INSERT INTO dialplan_contents (sha256, packed) VALUES ($1, $2)
ON CONFLICT (sha256) DO UPDATE SET created_at = now()

-- name: get_content
SELECT packed FROM dialplan_contents WHERE sha256 = $1
