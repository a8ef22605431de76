-- Queries of the host agents: who asks, what the host is to have, what it says it has.

-- name: host_of
-- $1 HMAC of the agent's key. The host, and the release that it is to have: none until one is built for its way of installing
-- and in its dialect, for a host that has no Macro any more would drop each call that an old release sends there.
SELECT k.enterprise_id, k.host_id, h.install, r.name AS release, r.sha256, r.dialect, r.shape
FROM agent_keys k
JOIN pbx_hosts h ON h.enterprise_id = k.enterprise_id AND h.id = k.host_id
LEFT JOIN dialplan_hosts d ON d.enterprise_id = k.enterprise_id AND d.host_id = k.host_id
LEFT JOIN dialplan_releases r ON r.enterprise_id = k.enterprise_id AND r.host_id = k.host_id AND r.id = d.wanted_release
    AND r.install = h.install AND r.dialect = h.dialect
WHERE k.key_hash = $1

-- name: announce
-- $1 enterprise, $2 host, $3 release. Only contexts of both dialplans are answered from now on; no row: no such release.
WITH release AS (
    SELECT pool FROM dialplan_releases WHERE enterprise_id = $1 AND host_id = $2 AND name = $3 ORDER BY id DESC LIMIT 1),
told AS (
    UPDATE pbx_hosts h SET announced_pool = release.pool FROM release
    WHERE h.enterprise_id = $1 AND h.id = $2 AND h.announced_pool IS DISTINCT FROM release.pool)
SELECT true FROM release

-- name: release_named
-- $1 enterprise, $2 host, $3 release.
SELECT contexts, contexts_sha256, pool, outline FROM dialplan_releases
WHERE enterprise_id = $1 AND host_id = $2 AND name = $3 ORDER BY id DESC LIMIT 1

-- name: state
-- $1 enterprise, $2 host. Holds the host's row: its reports are taken one after the other.
SELECT h.loaded_pool, r.names_sha256, f.sha256 AS host_files_sha256, h.install
FROM pbx_hosts h
LEFT JOIN host_reports r ON r.enterprise_id = h.enterprise_id AND r.host_id = h.id
LEFT JOIN host_files f ON f.enterprise_id = h.enterprise_id AND f.host_id = h.id
WHERE h.enterprise_id = $1 AND h.id = $2
FOR UPDATE OF h

-- name: loaded
-- $1 enterprise, $2 host, $3 pool. What was announced is over: this is loaded. An unchanged row is left alone.
UPDATE pbx_hosts SET loaded_pool = $3, announced_pool = NULL
WHERE enterprise_id = $1 AND id = $2
  AND (loaded_pool IS DISTINCT FROM $3 OR announced_pool IS NOT NULL)

-- name: report
INSERT INTO host_reports AS r (enterprise_id, host_id, release, wanted, contexts, contexts_sha256, names_sha256, asterisk,
    agent, mode, step, error, pool_busy, host_files_sha256, reported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (enterprise_id, host_id) DO UPDATE SET
    release = excluded.release, wanted = excluded.wanted, contexts = excluded.contexts,
    contexts_sha256 = excluded.contexts_sha256, names_sha256 = excluded.names_sha256, asterisk = excluded.asterisk,
    agent = excluded.agent, mode = excluded.mode, step = excluded.step, error = excluded.error,
    pool_busy = excluded.pool_busy, host_files_sha256 = excluded.host_files_sha256,
    reported_at = excluded.reported_at, received_at = now()

-- name: put_files
INSERT INTO host_files AS f (enterprise_id, host_id, sha256, files) VALUES ($1, $2, $3, $4)
ON CONFLICT (enterprise_id, host_id) DO UPDATE SET sha256 = excluded.sha256, files = excluded.files, received_at = now()
WHERE f.sha256 <> excluded.sha256
RETURNING true
