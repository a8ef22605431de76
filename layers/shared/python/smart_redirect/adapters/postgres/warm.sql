-- What keeping the call path warm asks: who has called lately.

-- name: recent_enterprises
-- $1 how many. One look at the index of decisions for each enterprise: the latest call within a day, if there is one.
SELECT e.id
FROM enterprises e
CROSS JOIN LATERAL (
    SELECT d.decided_at FROM decisions d
    WHERE d.enterprise_id = e.id AND d.decided_at > now() - interval '1 day'
    ORDER BY d.decided_at DESC LIMIT 1
) AS latest
ORDER BY latest.decided_at DESC, e.id
LIMIT $1

-- name: ending
-- $1 how many of the found and of the missed, $2 and $3 between which times from now a miss ends, $2 and $5 the same of
-- somebody who was found: calls are routed by him for a minute only, so he is refreshed when he is half as old. $4 for how
-- long an enterprise without a call counts as open: nobody calls at night, and a vendor counts requests by the day. What
-- ends is read by the indexes on its time, of the found the youngest, a caller's calls by theirs, at most 20 of each. Who
-- has none there, because his history was imported or is older, has the two ends of caller_history.
WITH ending AS (
    (SELECT enterprise_id, connection_id, phone FROM crm_contacts
        WHERE expires_at > now() + $2::interval AND expires_at <= now() + $5::interval
        ORDER BY expires_at DESC LIMIT $1)
    UNION
    (SELECT enterprise_id, connection_id, phone FROM crm_misses
        WHERE until > now() + $2::interval AND until <= now() + $3::interval
        ORDER BY until LIMIT $1)
)
SELECT n.enterprise_id, n.id, n.vendor, e.country, n.settings, n.sealed, n.key_id, ending.phone,
    coalesce(calls.ages, CASE
        WHEN h.first_call = h.last_call THEN ARRAY[extract(epoch FROM now() - h.last_answered_at)]
        WHEN h.phone IS NOT NULL
            THEN ARRAY[extract(epoch FROM now() - h.last_answered_at), extract(epoch FROM now() - h.first_answered_at)]
    END, '{}')::float8[] AS ages
FROM ending
JOIN crm_connections n ON n.enterprise_id = ending.enterprise_id AND n.id = ending.connection_id
JOIN enterprises e ON e.id = n.enterprise_id
LEFT JOIN crm_sync s ON s.enterprise_id = n.enterprise_id AND s.connection_id = n.id
LEFT JOIN caller_history h ON h.enterprise_id = ending.enterprise_id AND h.phone = ending.phone
CROSS JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM now() - latest.started_at)) AS ages
    FROM (
        SELECT c.started_at FROM calls c
        WHERE c.enterprise_id = ending.enterprise_id AND c.caller = ending.phone AND c.call_type = 0
            AND c.started_at > now() - interval '30 days'
        ORDER BY c.started_at DESC LIMIT 20
    ) AS latest
) AS calls
WHERE n.enabled AND n.sealed IS NOT NULL AND n.settings @> '{"live": true}'
    AND (s.open_until IS NULL OR s.open_until <= clock_timestamp())
    AND (s.look_ups_open_until IS NULL OR s.look_ups_open_until <= clock_timestamp())
    AND EXISTS (
        SELECT FROM decisions d WHERE d.enterprise_id = n.enterprise_id AND d.decided_at > now() - $4::interval)

-- name: claim
-- $1 enterprise, $2 connection, $3 phone, $4, $5 and $6 as $2, $3 and $5 above. What is known of the caller is believed for $4 more
-- and so is outside of these times: a second run, also one that waited for this one, finds nothing, neither before the
-- refresh has written nor after. The lock on the connection lets one run at a time claim, because a phone may have several
-- rows; it hinders neither a sync nor a call.
WITH locked AS (
    SELECT enterprise_id, id FROM crm_connections WHERE enterprise_id = $1 AND id = $2 FOR NO KEY UPDATE
), contacts AS (
    UPDATE crm_contacts c SET expires_at = clock_timestamp() + $4::interval FROM locked
    WHERE c.enterprise_id = locked.enterprise_id AND c.connection_id = locked.id AND c.phone = $3
        AND c.expires_at > clock_timestamp() + $4::interval AND c.expires_at <= clock_timestamp() + $6::interval
    RETURNING true
), misses AS (
    UPDATE crm_misses m SET until = clock_timestamp() + $4::interval FROM locked
    WHERE m.enterprise_id = locked.enterprise_id AND m.connection_id = locked.id AND m.phone = $3
        AND m.until > clock_timestamp() + $4::interval AND m.until <= clock_timestamp() + $5::interval
    RETURNING true
)
SELECT EXISTS (SELECT FROM contacts) OR EXISTS (SELECT FROM misses)
