-- name: columns
-- The columns of a table, none if it is not there.
SELECT a.attname::text AS name
FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped

-- name: rows
-- {columns}, {table} and {scope} are filled in from tables.py. As JSON, because installations differ in types.
SELECT to_jsonb(x)::text AS row FROM (SELECT {columns} FROM {table} WHERE {scope}) AS x

-- name: count
SELECT count(*) FROM {table} WHERE {scope}

-- name: walk
-- For a cursor: {key} is filled in too, and the order makes two runs meet the rows alike.
SELECT to_jsonb(x)::text AS row, x.{key} AS key FROM (SELECT {columns} FROM {table} WHERE {scope}) AS x ORDER BY x.{key}

-- name: participants
SELECT to_jsonb(x)::text AS row, x.call_id AS key
FROM (SELECT {columns} FROM call_participants WHERE call_id = ANY ($1)) AS x
