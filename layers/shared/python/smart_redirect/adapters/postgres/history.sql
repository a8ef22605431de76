-- name: origin
-- Where an event is from: $1 the hash of its token, $2 the address it came from, null when that is none.
-- The host is the token's own, else the one whose addresses match, else the only one, else 0. The address is
-- refused, as on the call path, when every host that it may be has a list and none of them names it.
SELECT
    e.id AS enterprise_id, e.country, e.time_zone, e.count_outgoing, h.refused,
    coalesce(h.matching, h.only, 0) AS host_id,
    (SELECT json_agg(json_build_array(l.line_id, coalesce(l.phone_number, ''), l.area_code))
     FROM lines l WHERE l.enterprise_id = e.id) AS lines
FROM call_tokens t
JOIN enterprises e ON e.id = t.enterprise_id
CROSS JOIN LATERAL (
    SELECT
        CASE count(*) WHEN 1 THEN min(m.id) END AS only,
        CASE count(*) FILTER (WHERE m.matches) WHEN 1 THEN min(m.id) FILTER (WHERE m.matches) END AS matching,
        coalesce(bool_and(m.listed AND NOT m.matches), false) AS refused
    FROM (
        SELECT p.id, p.allowed_addresses <> '{}' AS listed, coalesce($2::inet <<= ANY (p.allowed_addresses), false) AS matches
        FROM pbx_hosts p WHERE p.enterprise_id = e.id AND (t.host_id IS NULL OR p.id = t.host_id)
    ) m
) h
WHERE t.token_hash = $1

-- name: lock_start
-- One at a time for a call whose row is not known by its key alone.
SELECT pg_advisory_xact_lock(hashtextextended(format('call %s/%s/%s', $1::int, $2::int, $3::text), 0))

-- name: stored_start
SELECT extract(epoch FROM min(started_at))::float8 FROM calls
WHERE enterprise_id = $1 AND host_id = $2 AND unique_id = $3

-- name: make_call
INSERT INTO calls (enterprise_id, host_id, unique_id, started_at)
VALUES ($1, $2, $3, to_timestamp($4::float8))
ON CONFLICT DO NOTHING
RETURNING 1

-- name: lock_call
SELECT c.caller, c.events, c.talks <> '[]' AS had_talks,
    (SELECT json_agg(json_build_array(p.extension, p.internal_id, p.user_id)) FROM call_participants p
     WHERE p.enterprise_id = $1 AND p.host_id = $2 AND p.unique_id = $3 AND p.started_at = to_timestamp($4::float8)
    ) AS participants
FROM calls c
WHERE c.enterprise_id = $1 AND c.host_id = $2 AND c.unique_id = $3 AND c.started_at = to_timestamp($4::float8)
FOR UPDATE OF c

-- name: find_extensions
-- Numbers that may be the enterprise's extensions: exactly, or but for leading zeros.
SELECT p.number, p.id AS internal_id, p.user_id
FROM user_internal_phones p
WHERE p.enterprise_id = $1
  AND (p.number = ANY ($2::text[])
       OR ltrim(p.number, '0') = ANY (SELECT ltrim(wanted, '0') FROM unnest($2::text[]) AS wanted))

-- name: save_call
-- The call and its participants ($12, a JSON array); whose an extension was is written once and then kept.
WITH call AS (
    UPDATE calls SET phone = $5, caller = $6, line_id = $7, call_type = $8, status = $9,
        answered_at = to_timestamp($10::float8), ended_at = to_timestamp($11::float8), events = $13, talks = $14
    WHERE enterprise_id = $1 AND host_id = $2 AND unique_id = $3 AND started_at = to_timestamp($4::float8)
)
INSERT INTO call_participants AS p (enterprise_id, host_id, unique_id, started_at, extension, ring_order,
                                    internal_id, user_id, status, answered_at)
SELECT $1, $2, $3, to_timestamp($4::float8), r.extension, r.ring_order, r.internal_id, r.user_id, r.status,
       to_timestamp(r.answered_at)
FROM json_to_recordset($12::json) AS r (extension text, ring_order smallint, internal_id int, user_id int,
                                        status text, answered_at float8)
ON CONFLICT (enterprise_id, host_id, unique_id, extension, started_at) DO UPDATE
SET ring_order = excluded.ring_order, status = excluded.status, answered_at = excluded.answered_at

-- name: lock_caller
-- One at a time for a caller, whose row may not be there yet.
SELECT pg_advisory_xact_lock(hashtextextended(format('caller %s/%s', $1::int, $2::text), 0))

-- name: caller_history
SELECT
    first_call, first_extension, first_internal_id, first_user_id, extract(epoch FROM first_answered_at)::float8 AS first_at,
    last_call, last_extension, last_internal_id, last_user_id, extract(epoch FROM last_answered_at)::float8 AS last_at
FROM caller_history WHERE enterprise_id = $1 AND phone = $2

-- name: other_talks
-- The first and the last talk of a caller ($2) in all calls but one ($3, $4). Reads every call of the caller, so
-- it is asked only when a call is corrected in such a way that another one may take its place.
WITH talked AS (
    SELECT c.host_id || '/' || c.unique_id AS call, t.place, t.talk ->> 0 AS extension,
        (t.talk ->> 1)::float8 AS at, (t.talk ->> 2)::int AS internal_id, (t.talk ->> 3)::int AS user_id
    FROM calls c CROSS JOIN LATERAL jsonb_array_elements(c.talks) WITH ORDINALITY AS t (talk, place)
    WHERE c.enterprise_id = $1 AND c.caller = $2 AND (c.host_id, c.unique_id) <> ($3::int, $4::text)
      AND (c.call_type = 0 OR (c.call_type = 1 AND $5::boolean)) AND (t.talk ->> 2) IS NOT NULL
)
(SELECT * FROM talked ORDER BY at, call COLLATE "C", place LIMIT 1)
UNION ALL
(SELECT * FROM talked ORDER BY at DESC, call COLLATE "C" DESC, place DESC LIMIT 1)

-- name: save_history
INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
                            first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
VALUES ($1, $2, $3, to_timestamp($4::float8), $5, $6, $7, $8, to_timestamp($9::float8), $10, $11, $12)
ON CONFLICT (enterprise_id, phone) DO UPDATE SET
    first_call = excluded.first_call, first_answered_at = excluded.first_answered_at,
    first_extension = excluded.first_extension, first_internal_id = excluded.first_internal_id,
    first_user_id = excluded.first_user_id, last_call = excluded.last_call,
    last_answered_at = excluded.last_answered_at, last_extension = excluded.last_extension,
    last_internal_id = excluded.last_internal_id, last_user_id = excluded.last_user_id

-- name: remove_history
DELETE FROM caller_history WHERE enterprise_id = $1 AND phone = $2

-- name: bury
-- Beyond $3 of one kind of reason (what stands before its colon) the oldest go: strangers' events push out none of ours.
-- Looked at with every hundredth event only, because it reads the whole table.
WITH buried AS (INSERT INTO dead_events (reason, message) VALUES ($1, $2) RETURNING id)
DELETE FROM dead_events d
WHERE (SELECT b.id % 100 = 0 FROM buried b)
  AND d.id IN (
    SELECT r.id FROM (
        SELECT e.id, row_number() OVER (PARTITION BY split_part(e.reason, ':', 1) ORDER BY e.id DESC) AS place
        FROM dead_events e
    ) r WHERE r.place > $3::bigint
)

-- name: buried_kinds
-- The kinds of reasons, with how many events each has.
SELECT split_part(reason, ':', 1) AS kind, count(*) AS events, min(buried_at) AS oldest, max(buried_at) AS newest
FROM dead_events GROUP BY 1 ORDER BY 2 DESC, 1

-- name: buried_events
-- Events that were given up, oldest first: those above id $1, at most $2, of the kind of reason $3 or, if null, of all.
SELECT id, buried_at, reason, message FROM dead_events
WHERE id > $1::bigint AND ($3::text IS NULL OR split_part(reason, ':', 1) = $3) ORDER BY id LIMIT $2::bigint

-- name: newest_buried
SELECT coalesce(max(id), 0) FROM dead_events

-- name: unbury
DELETE FROM dead_events WHERE id = ANY ($1::bigint[])

-- name: count_buried
SELECT count(*) FROM dead_events
