-- name: ensure_partitions
SELECT ensure_partitions($1::date, $2::int)

-- name: expired_decisions
WITH gone AS (
    DELETE FROM decisions d USING enterprises e
    WHERE e.id = d.enterprise_id AND d.decided_at < now() - make_interval(days => e.decisions_kept_days)
    RETURNING 1
) SELECT count(*) FROM gone

-- name: expired_calls
WITH gone AS (
    DELETE FROM calls c USING enterprises e
    WHERE e.id = c.enterprise_id AND c.started_at < now() - make_interval(days => e.calls_kept_days)
    RETURNING 1
) SELECT count(*) FROM gone

-- name: expired_call_participants
WITH gone AS (
    DELETE FROM call_participants c USING enterprises e
    WHERE e.id = c.enterprise_id AND c.started_at < now() - make_interval(days => e.calls_kept_days)
    RETURNING 1
) SELECT count(*) FROM gone

-- name: expired_dialplan_releases
-- Of the releases older than 90 days the last ten of each host stay, and those that a host is to have or has loaded.
WITH aged AS (
    SELECT enterprise_id, host_id, id, name,
        row_number() OVER (PARTITION BY enterprise_id, host_id ORDER BY id DESC) AS place
    FROM dialplan_releases),
gone AS (
    DELETE FROM dialplan_releases r USING aged a
    WHERE r.id = a.id AND a.place > 10 AND r.created_at < now() - interval '90 days'
      AND NOT EXISTS (SELECT FROM dialplan_hosts d WHERE d.enterprise_id = r.enterprise_id AND d.host_id = r.host_id
                      AND d.wanted_release = r.id)
      AND NOT EXISTS (SELECT FROM host_reports h WHERE h.enterprise_id = r.enterprise_id AND h.host_id = r.host_id
                      AND h.release = r.name)
    RETURNING 1
) SELECT count(*) FROM gone

-- name: expired_dialplan_contents
-- Texts that no release names any more; a young one may belong to a release that is just being stored.
WITH gone AS (
    DELETE FROM dialplan_contents c
    WHERE c.created_at < now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM dialplan_releases r WHERE r.sha256 = c.sha256)
    RETURNING 1
) SELECT count(*) FROM gone
