-- name: names
SELECT phone, name FROM contacts WHERE enterprise_id = $1 AND phone = ANY ($2::text[])

-- name: put_names
INSERT INTO contacts (enterprise_id, phone, name)
SELECT $1, x.phone, x.name FROM unnest($2::text[], $3::text[]) AS x (phone, name)
ON CONFLICT (enterprise_id, phone) DO UPDATE SET name = excluded.name

-- name: ensure_months
SELECT ensure_month_partition(parent, month)
FROM unnest(ARRAY['calls', 'call_participants']) AS parent, unnest($1::date[]) AS month

-- name: known_calls
-- Calls that are there, whatever host they came from, and whether a host reported them itself. Times as Unix times.
SELECT c.unique_id, bool_or(c.host_id <> 0 OR c.events <> '[]') AS live
FROM calls c
WHERE c.enterprise_id = $1 AND c.unique_id = ANY ($2::text[])
  AND c.host_id IN (SELECT 0 UNION ALL SELECT h.id FROM pbx_hosts h WHERE h.enterprise_id = $1)
  AND c.started_at BETWEEN to_timestamp($3::float8) AND to_timestamp($4::float8)
GROUP BY c.unique_id

-- name: put_calls
INSERT INTO calls (enterprise_id, unique_id, started_at, phone, caller, line_id, call_type, status, answered_at,
                   ended_at, talks)
SELECT $1, r.unique_id, to_timestamp(r.started_at), r.phone, r.caller, r.line_id, r.call_type, r.status,
       to_timestamp(r.answered_at), to_timestamp(r.ended_at), r.talks
FROM jsonb_to_recordset($2::jsonb) AS r (unique_id text, started_at float8, phone text, caller text, line_id text,
    call_type smallint, status text, answered_at float8, ended_at float8, talks jsonb)
ON CONFLICT DO NOTHING

-- name: put_participants
INSERT INTO call_participants (enterprise_id, unique_id, started_at, extension, ring_order, internal_id, user_id,
                               status, answered_at)
SELECT $1, r.unique_id, to_timestamp(r.started_at), r.extension, r.ring_order, r.internal_id, r.user_id, r.status,
       to_timestamp(r.answered_at)
FROM jsonb_to_recordset($2::jsonb) AS r (unique_id text, started_at float8, extension text, ring_order smallint,
    internal_id int, user_id int, status text, answered_at float8)
ON CONFLICT DO NOTHING

-- name: lock_callers
-- As history.sql locks a caller, and in the order of the numbers, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(hashtextextended(format('caller %s/%s', $1::int, x.phone), 0))
FROM unnest($2::text[]) AS x (phone)

-- name: histories
SELECT
    phone,
    first_call, first_extension, first_internal_id, first_user_id, extract(epoch FROM first_answered_at)::float8 AS first_at,
    last_call, last_extension, last_internal_id, last_user_id, extract(epoch FROM last_answered_at)::float8 AS last_at
FROM caller_history WHERE enterprise_id = $1 AND phone = ANY ($2::text[])

-- name: put_histories
INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
                            first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
SELECT $1, r.phone, r.first_call, to_timestamp(r.first_at), r.first_extension, r.first_internal_id, r.first_user_id,
       r.last_call, to_timestamp(r.last_at), r.last_extension, r.last_internal_id, r.last_user_id
FROM jsonb_to_recordset($2::jsonb) AS r (phone text,
    first_call text, first_at float8, first_extension text, first_internal_id int, first_user_id int,
    last_call text, last_at float8, last_extension text, last_internal_id int, last_user_id int)
ON CONFLICT (enterprise_id, phone) DO UPDATE SET
    first_call = excluded.first_call, first_answered_at = excluded.first_answered_at,
    first_extension = excluded.first_extension, first_internal_id = excluded.first_internal_id,
    first_user_id = excluded.first_user_id, last_call = excluded.last_call,
    last_answered_at = excluded.last_answered_at, last_extension = excluded.last_extension,
    last_internal_id = excluded.last_internal_id, last_user_id = excluded.last_user_id
