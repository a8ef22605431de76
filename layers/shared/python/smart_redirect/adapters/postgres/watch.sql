-- name: watch
-- What a person should hear of: hosts that have a dialplan of ours and did not report for $1, and how long (seconds)
-- the oldest change has waited to be built.
SELECT
    (SELECT count(*) FROM pbx_hosts h
        LEFT JOIN host_reports r ON r.enterprise_id = h.enterprise_id AND r.host_id = h.id
        WHERE h.install <> 'none' AND coalesce(r.received_at, '-infinity') < now() - $1::interval) AS silent_hosts,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM dialplan_outbox) AS oldest_change
