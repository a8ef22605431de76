-- name: watch
-- What a person should hear of: hosts that have a dialplan of ours and did not report for $1, and how long (seconds)
-- the oldest change has waited to be built, and how old (seconds) the oldest mirror of an enabled connection is: since
-- its last whole run, or since the first one began.
SELECT
    (SELECT count(*) FROM pbx_hosts h
        LEFT JOIN host_reports r ON r.enterprise_id = h.enterprise_id AND r.host_id = h.id
        WHERE h.install <> 'none' AND coalesce(r.received_at, '-infinity') < now() - $1::interval) AS silent_hosts,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM dialplan_outbox) AS oldest_change,
    (SELECT coalesce(extract(epoch FROM now() - min(coalesce(s.synced_at, s.begun_at))), 0)::float8
        FROM crm_sync s JOIN crm_connections c ON c.enterprise_id = s.enterprise_id AND c.id = s.connection_id
        WHERE c.enabled AND c.sealed IS NOT NULL) AS oldest_mirror
