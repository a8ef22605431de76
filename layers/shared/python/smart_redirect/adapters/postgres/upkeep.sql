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
