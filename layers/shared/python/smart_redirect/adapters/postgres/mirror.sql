-- Queries of the CRM mirrors. Every one names enterprise ($1) and connection ($2); `due` and `tidy` alone look at all.
-- People are named by `= ANY (array)` and never by a join: just after a bulk load the statistics say that a connection has
-- one row, and a join would read all that it has for each page.
-- Marks are locked by id, in one statement a transaction and its last one: webhooks lock them too, and wait for nothing else.

-- name: due
-- $1 how many. Enabled connections with credentials whose time has come, by next_at or by a mark, and without a live
-- lease or an open breaker.
SELECT c.enterprise_id, c.id
FROM crm_connections c
LEFT JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.id
LEFT JOIN crm_leases l ON l.enterprise_id = c.enterprise_id AND l.connection_id = c.id
WHERE c.enabled AND c.sealed IS NOT NULL
  AND (l.until IS NULL OR l.until <= clock_timestamp())
  AND (s.open_until IS NULL OR s.open_until <= clock_timestamp())
  AND (s.next_at IS NULL OR s.next_at <= clock_timestamp() OR EXISTS (
      SELECT FROM crm_dirty d WHERE d.enterprise_id = c.enterprise_id AND d.connection_id = c.id))
ORDER BY s.next_at NULLS FIRST, c.enterprise_id, c.id
LIMIT $1

-- name: tidy
-- now(), not clock_timestamp(): a volatile function is not compared by an index, and this would read every contact.
WITH found AS (
    DELETE FROM crm_contacts WHERE expires_at < now()
)
DELETE FROM crm_misses WHERE until < now()

-- name: claim
-- $3 owner, $4 how long. Returns the fence; no row while another owner has the lease.
INSERT INTO crm_leases AS l (enterprise_id, connection_id, owner, until)
SELECT c.enterprise_id, c.id, $3, clock_timestamp() + $4::interval
FROM crm_connections c WHERE c.enterprise_id = $1 AND c.id = $2 AND c.enabled AND c.sealed IS NOT NULL
ON CONFLICT (enterprise_id, connection_id) DO UPDATE
    SET owner = excluded.owner, fence = l.fence + 1, until = excluded.until
    WHERE l.until <= clock_timestamp()
RETURNING fence

-- name: begin
INSERT INTO crm_sync (enterprise_id, connection_id) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: state
SELECT c.vendor, e.country, c.settings, c.sealed, c.key_id, s.cursor, s.walked_at IS NOT NULL AS walked,
    s.sweep, s.sweep_cursor, s.is_sweeping, s.failures,
    extract(epoch FROM clock_timestamp() - s.swept_at)::float8 AS swept_ago,
    extract(epoch FROM clock_timestamp() - s.managers_at)::float8 AS managers_ago
FROM crm_connections c
JOIN enterprises e ON e.id = c.enterprise_id
JOIN crm_sync s ON s.enterprise_id = c.enterprise_id AND s.connection_id = c.id
WHERE c.enterprise_id = $1 AND c.id = $2

-- name: hold
-- $3 fence, $4 how long. Holds the lease's row to the end of the transaction; no row when the claim is not ours.
UPDATE crm_leases SET until = clock_timestamp() + $4::interval
WHERE enterprise_id = $1 AND connection_id = $2 AND fence = $3
RETURNING true

-- name: met
-- $3 number of the sweep, $4 ids. Returns those that are in the mirror; they count as met.
UPDATE crm_people SET sweep = $3
WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($4::text[])
RETURNING external_id

-- name: add_people
-- $3 number of the sweep, $4 ids.
INSERT INTO crm_people AS p (enterprise_id, connection_id, external_id, sweep)
SELECT $1, $2, person.external_id, $3 FROM unnest($4::text[]) AS person (external_id)
ON CONFLICT (enterprise_id, connection_id, external_id) DO UPDATE SET sweep = excluded.sweep
    WHERE p.sweep < excluded.sweep

-- name: drop_people
-- $3 ids.
DELETE FROM crm_people WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($3::text[])

-- name: drop_people_s_phones
-- $3 ids.
DELETE FROM crm_contacts WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($3::text[])

-- name: phones
-- $3 ids. What the mirror has of these people.
SELECT external_id, phone FROM crm_contacts
WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($3::text[])

-- name: drop_phones
-- $3 ids and $4 phones, by pairs.
DELETE FROM crm_contacts
WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($3::text[]) AND phone = ANY ($4::text[])
    AND (external_id, phone) IN (SELECT * FROM unnest($3::text[], $4::text[]))

-- name: merge_contacts
-- Takes the page out of the staging table; rows that are as they were are not touched.
WITH page AS (
    DELETE FROM crm_staging WHERE enterprise_id = $1 AND connection_id = $2
    RETURNING external_id, phone, name, responsible_id, updated_at, is_lead
)
INSERT INTO crm_contacts AS c
    (enterprise_id, phone, connection_id, external_id, name, responsible_id, updated_at, is_lead)
SELECT $1, phone, $2, external_id, name, responsible_id, updated_at, is_lead FROM page
ON CONFLICT (enterprise_id, phone, connection_id, external_id) DO UPDATE
    SET name = excluded.name, responsible_id = excluded.responsible_id, updated_at = excluded.updated_at,
        is_lead = excluded.is_lead, expires_at = NULL,
        responsible_extension = CASE WHEN c.responsible_id = excluded.responsible_id THEN c.responsible_extension END
    WHERE (c.name, c.responsible_id, c.updated_at, c.is_lead, c.expires_at) IS DISTINCT FROM
        (excluded.name, excluded.responsible_id, excluded.updated_at, excluded.is_lead, NULL::timestamptz)

-- name: step
-- $3 cursor, $4 whether the walk has ended, $5 done, $6 total. Tells whether it has ended with this very page.
UPDATE crm_sync SET cursor = $3, walk_done = greatest(walk_done, $5), walk_total = coalesce($6, walk_total),
    walked_at = CASE WHEN $4 THEN coalesce(walked_at, clock_timestamp()) END
WHERE enterprise_id = $1 AND connection_id = $2
RETURNING sweep

-- name: marks
-- $3 how many.
SELECT external_id, mark FROM crm_dirty WHERE enterprise_id = $1 AND connection_id = $2 ORDER BY mark LIMIT $3

-- name: unmark
-- $3 ids, $4 their marks, which no other row has. Those that were marked once more meanwhile stay.
DELETE FROM crm_dirty
WHERE enterprise_id = $1 AND connection_id = $2 AND mark = ANY ($4::bigint[]) AND external_id = ANY (ARRAY(
    SELECT external_id FROM crm_dirty
    WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = ANY ($3::text[]) AND mark = ANY ($4::bigint[])
    ORDER BY external_id FOR UPDATE))

-- name: forget_mark
-- $3 id, $4 its mark, $5 how often a mark may be put off.
DELETE FROM crm_dirty WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = $3 AND mark = $4 AND tries >= $5

-- name: put_off
-- $3 id, $4 its mark, $5 how often a mark may be put off. A mark that was made meanwhile is another one.
UPDATE crm_dirty SET mark = DEFAULT, tries = tries + 1
WHERE enterprise_id = $1 AND connection_id = $2 AND external_id = $3 AND mark = $4 AND tries < $5

-- name: mark
-- $3 ids that a sweep misses.
INSERT INTO crm_dirty (enterprise_id, connection_id, external_id)
SELECT $1, $2, person.external_id FROM unnest($3::text[]) AS person (external_id) ORDER BY person.external_id
ON CONFLICT DO NOTHING

-- name: sweep_on
-- Goes on with the sweep, or begins one. Returns its number.
UPDATE crm_sync SET sweep = sweep + CASE WHEN is_sweeping THEN 0 ELSE 1 END, is_sweeping = true
WHERE enterprise_id = $1 AND connection_id = $2
RETURNING sweep

-- name: sweep_cursor
-- $3 cursor.
UPDATE crm_sync SET sweep_cursor = $3 WHERE enterprise_id = $1 AND connection_id = $2

-- name: swept
UPDATE crm_sync SET is_sweeping = false, sweep_cursor = NULL, swept_at = clock_timestamp()
WHERE enterprise_id = $1 AND connection_id = $2

-- name: mark_unmet
-- $3 number of the sweep, $4 ids that its last page misses.
INSERT INTO crm_dirty (enterprise_id, connection_id, external_id)
SELECT $1, $2, unmet.external_id FROM (
    SELECT external_id FROM crm_people WHERE enterprise_id = $1 AND connection_id = $2 AND sweep < $3
    UNION SELECT unnest($4::text[])
) AS unmet (external_id) ORDER BY unmet.external_id
ON CONFLICT DO NOTHING

-- name: managers
-- $3 ids, $4 names, $5 extensions, $6 whether active.
WITH given AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::boolean[]) AS g (id, name, extension, is_active)
), dropped AS (
    DELETE FROM crm_managers m WHERE m.enterprise_id = $1 AND m.connection_id = $2 AND EXISTS (SELECT FROM given)
      AND NOT EXISTS (SELECT FROM given WHERE given.id = m.id)
), stamped AS (
    UPDATE crm_sync SET managers_at = clock_timestamp() WHERE enterprise_id = $1 AND connection_id = $2
)
INSERT INTO crm_managers AS m (enterprise_id, connection_id, id, name, extension, is_active)
SELECT $1, $2, id, name, extension, is_active FROM given
ON CONFLICT (enterprise_id, connection_id, id) DO UPDATE
    SET name = excluded.name, extension = excluded.extension, is_active = excluded.is_active
    WHERE (m.name, m.extension, m.is_active) IS DISTINCT FROM (excluded.name, excluded.extension, excluded.is_active)

-- name: end_lease
-- $3 fence. No row when the claim is not ours. Not until now: a clock that is set back would leave it held.
UPDATE crm_leases SET until = '-infinity'
WHERE enterprise_id = $1 AND connection_id = $2 AND fence = $3
RETURNING true

-- name: done
-- $3 when the next run is due, $4 what a person should know.
UPDATE crm_sync SET synced_at = clock_timestamp(), next_at = clock_timestamp() + $3::interval, failures = 0,
    open_until = NULL, error = $4
WHERE enterprise_id = $1 AND connection_id = $2

-- name: failed
-- $3 text, $4 when the next run is due, $5 how long nobody asks, if a look-up was not told to wait for longer.
UPDATE crm_sync SET error = $3, failures = failures + 1,
    next_at = clock_timestamp() + greatest($4::interval, $5::interval),
    open_until = greatest(open_until, clock_timestamp() + $5::interval)
WHERE enterprise_id = $1 AND connection_id = $2

-- name: due_at_once
UPDATE crm_sync SET next_at = clock_timestamp() WHERE enterprise_id = $1 AND connection_id = $2

-- name: take
-- $3 how many, $4 a second, $5 the bucket's size, $6 how many to leave. A bucket that is new is full. Returns what was
-- granted and what is left.
INSERT INTO crm_budgets AS b (enterprise_id, connection_id, tokens, granted)
SELECT c.enterprise_id, c.id, $5::float8 - least($3::int, $5::int - $6::int), least($3::int, $5::int - $6::int)
FROM crm_connections c WHERE c.enterprise_id = $1 AND c.id = $2
ON CONFLICT (enterprise_id, connection_id) DO UPDATE SET (tokens, granted, filled_at) = (
    SELECT filled.tokens - taken.granted, taken.granted, filled.at
    FROM (
        SELECT now.at, least($5::float8, b.tokens + $4::float8 * greatest(0, extract(epoch FROM now.at - b.filled_at)))
        FROM (SELECT clock_timestamp()) AS now (at)
    ) AS filled (at, tokens),
    LATERAL (SELECT greatest(0, least($3::int, floor(filled.tokens)::int - $6::int))) AS taken (granted)
)
RETURNING granted, tokens
