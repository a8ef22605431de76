-- name: enterprise
SELECT to_jsonb(e)::text FROM enterprises e WHERE e.number = $1

-- name: lock_enterprise
-- Two imports of one enterprise wait for each other; calls and other readers do not wait.
SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))

-- name: another_has_token
SELECT EXISTS (SELECT FROM call_tokens WHERE token_hash = decode($1, 'hex') AND enterprise_id <> $2)

-- name: settings
-- Every settings table of the enterprise, as JSON.
SELECT t.name, t.rows::text AS rows FROM (VALUES
    ('call_tokens', (SELECT jsonb_agg(jsonb_build_object('token_hash', encode(x.token_hash, 'hex'), 'key_id', x.key_id))
                     FROM call_tokens x WHERE x.enterprise_id = $1)),
    ('dial_schemas', (SELECT jsonb_agg(to_jsonb(x)) FROM dial_schemas x WHERE x.enterprise_id = $1)),
    ('users', (SELECT jsonb_agg(to_jsonb(x)) FROM users x WHERE x.enterprise_id = $1)),
    ('user_internal_phones', (SELECT jsonb_agg(to_jsonb(x)) FROM user_internal_phones x WHERE x.enterprise_id = $1)),
    ('follow_me_steps', (SELECT jsonb_agg(to_jsonb(x)) FROM follow_me_steps x WHERE x.enterprise_id = $1)),
    ('lines', (SELECT jsonb_agg(to_jsonb(x)) FROM lines x WHERE x.enterprise_id = $1)),
    ('shops', (SELECT jsonb_agg(to_jsonb(x)) FROM shops x WHERE x.enterprise_id = $1)),
    ('shop_lines', (SELECT jsonb_agg(to_jsonb(x)) FROM shop_lines x WHERE x.enterprise_id = $1)),
    ('crm_connections', (SELECT jsonb_agg(jsonb_build_object(
        'id', x.id, 'vendor', x.vendor, 'name', x.name, 'position', x.position, 'enabled', x.enabled))
        FROM crm_connections x WHERE x.enterprise_id = $1)),
    ('user_extensions', (SELECT jsonb_agg(to_jsonb(x)) FROM user_extensions x WHERE x.enterprise_id = $1)),
    ('departments', (SELECT jsonb_agg(to_jsonb(x)) FROM departments x WHERE x.enterprise_id = $1)),
    ('department_members', (SELECT jsonb_agg(to_jsonb(x)) FROM department_members x WHERE x.enterprise_id = $1))
) AS t (name, rows)

-- name: add_enterprise
INSERT INTO enterprises (number, name, country, time_zone, mode)
SELECT r.number, r.name, r.country, r.time_zone, r.mode
FROM jsonb_to_recordset($1::jsonb) AS r (number text, name text, country text, time_zone text, mode text)
RETURNING id

-- name: put_enterprises
UPDATE enterprises e SET name = r.name, mode = r.mode
FROM jsonb_to_recordset($2::jsonb) AS r (number text, name text, mode text) WHERE e.id = $1 AND e.number = r.number

-- name: put_call_tokens
INSERT INTO call_tokens (enterprise_id, token_hash, key_id, label)
SELECT $1, decode(r.token_hash, 'hex'), r.key_id, 'import'
FROM jsonb_to_recordset($2::jsonb) AS r (token_hash text, key_id smallint)
ON CONFLICT (token_hash) DO UPDATE SET key_id = excluded.key_id WHERE call_tokens.enterprise_id = excluded.enterprise_id

-- name: put_dial_schemas
INSERT INTO dial_schemas (enterprise_id, schema_id, name, type, data)
SELECT $1, r.schema_id, r.name, r.type, r.data
FROM jsonb_to_recordset($2::jsonb) AS r (schema_id text, name text, type text, data jsonb)
ON CONFLICT (enterprise_id, schema_id) DO UPDATE
SET name = excluded.name, type = excluded.type, data = excluded.data, updated_at = now()

-- name: put_users
INSERT INTO users (enterprise_id, id, first_name, last_name, patronymic, email, personal_phone,
                   follow_me_number, follow_me_enabled)
SELECT $1, r.id, r.first_name, r.last_name, r.patronymic, r.email, r.personal_phone,
       r.follow_me_number, r.follow_me_enabled
FROM jsonb_to_recordset($2::jsonb) AS r (id int, first_name text, last_name text, patronymic text, email text,
    personal_phone text, follow_me_number int, follow_me_enabled boolean)
ON CONFLICT (enterprise_id, id) DO UPDATE SET
    first_name = excluded.first_name, last_name = excluded.last_name, patronymic = excluded.patronymic,
    email = excluded.email, personal_phone = excluded.personal_phone,
    follow_me_number = excluded.follow_me_number, follow_me_enabled = excluded.follow_me_enabled

-- name: put_user_internal_phones
INSERT INTO user_internal_phones (enterprise_id, id, user_id, number, outgoing_schema_id)
SELECT $1, r.id, r.user_id, r.number, r.outgoing_schema_id
FROM jsonb_to_recordset($2::jsonb) AS r (id int, user_id int, number text, outgoing_schema_id text)
ON CONFLICT (enterprise_id, id) DO UPDATE
SET user_id = excluded.user_id, number = excluded.number, outgoing_schema_id = excluded.outgoing_schema_id

-- name: put_follow_me_steps
INSERT INTO follow_me_steps (enterprise_id, user_id, step, rings, numbers)
SELECT $1, r.user_id, r.step, r.rings, r.numbers
FROM jsonb_to_recordset($2::jsonb) AS r (user_id int, step smallint, rings smallint, numbers text[])
ON CONFLICT (enterprise_id, user_id, step) DO UPDATE SET rings = excluded.rings, numbers = excluded.numbers

-- name: put_lines
INSERT INTO lines (enterprise_id, line_id, kind, name, phone_number, prefix, in_schema_id, out_schema_id, enabled,
                   do_routing, algorithms, line_name_order, customer_name_order, shop_name_order)
SELECT $1, r.line_id, r.kind, r.name, r.phone_number, r.prefix, r.in_schema_id, r.out_schema_id, r.enabled,
       r.do_routing, r.algorithms, r.line_name_order, r.customer_name_order, r.shop_name_order
FROM jsonb_to_recordset($2::jsonb) AS r (line_id text, kind text, name text, phone_number text, prefix text,
    in_schema_id text, out_schema_id text, enabled boolean, do_routing boolean, algorithms text[],
    line_name_order smallint, customer_name_order smallint, shop_name_order smallint)
ON CONFLICT (enterprise_id, line_id) DO UPDATE SET
    kind = excluded.kind, name = excluded.name, phone_number = excluded.phone_number, prefix = excluded.prefix,
    in_schema_id = excluded.in_schema_id, out_schema_id = excluded.out_schema_id, enabled = excluded.enabled,
    do_routing = excluded.do_routing, algorithms = excluded.algorithms, line_name_order = excluded.line_name_order,
    customer_name_order = excluded.customer_name_order, shop_name_order = excluded.shop_name_order

-- name: put_shops
INSERT INTO shops (enterprise_id, id, name)
SELECT $1, r.id, r.name FROM jsonb_to_recordset($2::jsonb) AS r (id int, name text)
ON CONFLICT (enterprise_id, id) DO UPDATE SET name = excluded.name

-- name: put_shop_lines
INSERT INTO shop_lines (enterprise_id, shop_id, line_id)
SELECT $1, r.shop_id, r.line_id FROM jsonb_to_recordset($2::jsonb) AS r (shop_id int, line_id text)

-- name: put_crm_connections
INSERT INTO crm_connections (enterprise_id, id, vendor, name, position, enabled)
SELECT $1, r.id, r.vendor, r.name, r.position, r.enabled
FROM jsonb_to_recordset($2::jsonb) AS r (id int, vendor text, name text, position smallint, enabled boolean)
ON CONFLICT (enterprise_id, id) DO UPDATE
SET vendor = excluded.vendor, name = excluded.name, position = excluded.position, enabled = excluded.enabled

-- name: put_user_extensions
INSERT INTO user_extensions (enterprise_id, connection_id, manager_id, extension)
SELECT $1, r.connection_id, r.manager_id, r.extension
FROM jsonb_to_recordset($2::jsonb) AS r (connection_id int, manager_id text, extension text)
ON CONFLICT (enterprise_id, connection_id, manager_id) DO UPDATE SET extension = excluded.extension

-- name: put_departments
INSERT INTO departments (enterprise_id, id, name, number)
SELECT $1, r.id, r.name, r.number FROM jsonb_to_recordset($2::jsonb) AS r (id int, name text, number text)
ON CONFLICT (enterprise_id, id) DO UPDATE SET name = excluded.name, number = excluded.number

-- name: put_department_members
INSERT INTO department_members (enterprise_id, department_id, internal_id)
SELECT $1, r.department_id, r.internal_id
FROM jsonb_to_recordset($2::jsonb) AS r (department_id int, internal_id int)

-- name: park_dial_schemas
-- Rows whose unique columns change step aside first, so that two of them can change places.
UPDATE dial_schemas SET name = 'parked ' || schema_id
WHERE enterprise_id = $1 AND schema_id IN (SELECT r.schema_id FROM jsonb_to_recordset($2::jsonb) AS r (schema_id text))

-- name: park_users
UPDATE users SET follow_me_number = NULL
WHERE enterprise_id = $1 AND id IN (SELECT r.id FROM jsonb_to_recordset($2::jsonb) AS r (id int))

-- name: park_user_internal_phones
-- Ten digits, which no extension has: an id has at most ten, and 2147483647 is the largest.
UPDATE user_internal_phones SET number = (5000000000 + id)::text
WHERE enterprise_id = $1 AND id IN (SELECT r.id FROM jsonb_to_recordset($2::jsonb) AS r (id int))

-- name: park_departments
UPDATE departments SET number = (5000000000 + id)::text
WHERE enterprise_id = $1 AND id IN (SELECT r.id FROM jsonb_to_recordset($2::jsonb) AS r (id int))

-- name: drop_rows
-- {table} and its key, as columns, typed columns and compared as text, are filled in from the tables of an import.
DELETE FROM {table} WHERE enterprise_id = $1
AND ({compared}) IN (SELECT {columns} FROM jsonb_to_recordset($2::jsonb) AS r ({typed}))

-- name: move_sequence
-- Ids that came with an import are never given out again.
SELECT setval($1::regclass, x.largest) FROM (SELECT max(id) AS largest FROM {table}) x, {table}_id_seq s
WHERE x.largest > s.last_value OR (x.largest = s.last_value AND NOT s.is_called)
