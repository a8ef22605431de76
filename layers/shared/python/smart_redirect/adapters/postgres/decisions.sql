-- name: insert_decisions
-- Stores a batch of decision records; $1 is a JSON array of the objects that adapters/decision_json.py makes. Refusals that
-- name no enterprise have no row.
INSERT INTO decisions (decided_at, enterprise_id, host_id, unique_id, line_id, phone, mode, shadow, name, context,
                       algorithm, reason, trace, sources, timings)
SELECT to_timestamp(r.at), e.id, r.host, r.call, r.line, r.phone, r.mode, r.shadow, r.name, r.context,
       r.algorithm, r.reason, r.trace, r.sources, r.ms
FROM json_to_recordset($1::json) AS r (
    at float8, enterprise text, host int, call text, line text, phone text, mode text, shadow boolean, name text,
    context text, algorithm text, reason text, trace jsonb, sources jsonb, ms jsonb
) JOIN enterprises e ON e.number = r.enterprise
