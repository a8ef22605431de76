-- Demo data: a plausible enterprise 0367, loaded once by `make run` into an empty database. Its call token is
-- added by local/demo.py, because tokens are stored only as an HMAC under the deployment's key.

INSERT INTO enterprises (number, name, country, time_zone, mode)
VALUES ('0367', 'ООО «Северный ветер»', 'BY', 'Europe/Minsk', 'routing+name');

CREATE TEMP TABLE demo ON COMMIT DROP AS SELECT id AS e FROM enterprises WHERE number = '0367';

INSERT INTO dial_schemas (enterprise_id, schema_id, name, type, data)
SELECT e, x.schema_id, x.name, x.type, x.data::jsonb FROM demo, (VALUES
    ('6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e01', 'Входящая: приёмная', 'incoming',
     '{"nodes":[{"id":"1","type":"custom","data":{}},{"id":"2","type":"greeting","data":{"greetingFile":{"name":"privet"}}},{"id":"3","type":"dial","data":{"managers":[{"userId":26,"name":"Анна Кравец","phone":"152"}],"waitingRings":4,"holdMusic":{"type":"default","name":"default"}}}],"edges":[{"id":"e1-2","source":"1","target":"2"},{"id":"e2-3","source":"2","target":"3"}]}'),
    ('6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e02', 'Входящая: магазин', 'incoming',
     '{"nodes":[{"id":"1","type":"custom","data":{}},{"id":"2","type":"dial","data":{"managers":[{"userId":27,"name":"Олег Сидоренко","phone":"153"}],"waitingRings":3,"holdMusic":{"type":"default","name":"default"}}}],"edges":[{"id":"e1-2","source":"1","target":"2"}]}'),
    ('6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03', 'Исходящая: GSM', 'outgoing',
     '{"nodes":[{"id":"start-outgoing","type":"outgoing-call","data":{"phones":[]}},{"id":"2","type":"externalLines","data":{"external_lines":[{"line_id":"gsm_0001363","priority":1},{"line_id":"gsm_0001366","priority":2}]}}],"edges":[{"id":"estart-outgoing-2","source":"start-outgoing","target":"2"}]}')
) AS x (schema_id, name, type, data);

INSERT INTO users (enterprise_id, id, last_name, first_name, patronymic, email, personal_phone, follow_me_number, follow_me_enabled)
SELECT e, x.* FROM demo, (VALUES
    (25, 'Иванов', 'Пётр', 'Сергеевич', 'ivanov@example.com', '+375291234567', 255, true),
    (26, 'Кравец', 'Анна', 'Викторовна', 'kravets@example.com', '+375297654321', NULL, false),
    (27, 'Сидоренко', 'Олег', 'Николаевич', 'sidorenko@example.com', NULL, NULL, false),
    (28, 'Жук', 'Мария', '', 'zhuk@example.com', NULL, NULL, false)
) AS x;

INSERT INTO user_internal_phones (enterprise_id, id, user_id, number, outgoing_schema_id)
SELECT e, x.id, x.user_id, x.number, x.out FROM demo, (VALUES
    (31, 25, '150', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03'),
    (32, 26, '152', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03'),
    (33, 25, '151', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03'),
    (34, 28, '154', NULL),
    (35, 28, '155', NULL),
    (36, 28, '156', NULL),
    (37, 27, '153', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03')
) AS x (id, user_id, number, out);

INSERT INTO follow_me_steps (enterprise_id, user_id, step, rings, numbers)
SELECT e, 25, x.step, x.rings, x.numbers FROM demo, (VALUES
    (1, 3, ARRAY['150', '151']),
    (2, 4, ARRAY['150', '80291234567'])
) AS x (step, rings, numbers);

INSERT INTO lines (enterprise_id, line_id, kind, name, phone_number, area_code, in_schema_id, out_schema_id,
                   enabled, do_routing, algorithms, line_name_order, customer_name_order, shop_name_order)
SELECT e, x.* FROM demo, (VALUES
    ('0001363', 'gsm', 'А1 приёмная', '+375296001363', '17', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e01',
     '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03', true, true, ARRAY['crm', 'last_call', 'first_call'], NULL::smallint, 1, 2),
    ('0001366', 'gsm', 'МТС магазин', '+375336001366', '17', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e02',
     '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03', true, true, ARRAY['last_call'], 2, 1, NULL),
    ('3881848', 'sip', 'Городской номер', '+375173881848', '17', '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e02',
     '6f1d2c1e-0f7a-4e0b-9d53-1c8f2a4b6e03', true, false, ARRAY['first_call'], 1, 2, 3)
) AS x;

INSERT INTO shops (enterprise_id, id, name)
SELECT e, x.* FROM demo, (VALUES (1, 'Салон на Немиге'), (2, 'Интернет-магазин')) AS x;

INSERT INTO shop_lines (enterprise_id, shop_id, line_id)
SELECT e, x.* FROM demo, (VALUES (1, '0001363'), (2, '0001366'), (2, '3881848')) AS x;

INSERT INTO crm_connections (enterprise_id, id, vendor, name, position)
SELECT e, x.* FROM demo, (VALUES (1, 'retailcrm', 'RetailCRM', 1), (2, 'bitrix24', 'Битрикс24', 2)) AS x;

INSERT INTO user_extensions (enterprise_id, connection_id, manager_id, extension)
SELECT e, x.* FROM demo, (VALUES (1, '17', '150'), (1, '18', '152')) AS x;

INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, responsible_extension)
SELECT e, x.* FROM demo, (VALUES
    ('+375291112233', 1, '1001', 'Петрова Ольга', '17', NULL),
    ('+375447770011', 1, '1002', 'ИП Ковалёв А. А.', NULL, NULL),
    ('+375447770011', 2, 'C55', 'Ковалёв Андрей', '9', '153'),
    ('+375257000102', 2, 'C56', 'ООО «Тёплый дом»', '11', '999')
) AS x;

INSERT INTO contacts (enterprise_id, phone, name)
SELECT e, x.* FROM demo, (VALUES ('+375172223344', 'Поставщик упаковки'), ('+375291112233', 'Оля (старая запись)')) AS x;

-- The demo host counts as having loaded the pool of every enabled line and extension, until a host agent reports.
INSERT INTO pbx_hosts (enterprise_id, name, context_trust, install, loaded_pool)
SELECT e, 'demo', 'reported', 'whole-file',
       '{"internal_ids":[31,32,33,34,35,36,37],"lines":["0001363","0001366","3881848"]}'::jsonb FROM demo;

-- Calls of the last two months, counted back from the day of loading: rung, talks as [extension, seconds after the start].
CREATE TEMP TABLE demo_calls ON COMMIT DROP AS
SELECT d.e, h.id AS host, x.*, began.epoch, began.epoch || '.' || x.number AS unique_id
FROM demo d JOIN pbx_hosts h ON h.enterprise_id = d.e, (VALUES
    (58, '09:12:40', 10, '80291112233', '+375291112233', '0001363', 0, ARRAY['152'], '[["152", 9]]'::jsonb, 184),
    (41, '16:03:05', 14, '80291112233', '+375291112233', '0001363', 0, ARRAY['152'], '[]', 31),
    (41, '16:20:51', 16, '+375291112233', '+375291112233', '0001366', 1, ARRAY['150'], '[["150", 12]]', 97),
    (27, '11:47:22', 20, '80291112233', '+375291112233', '0001363', 0, ARRAY['150', '151'], '[["150", 6]]', 240),
    (26, '10:30:00', 30, '80172223344', '+375172223344', '0001366', 0, ARRAY['153'], '[["153", 11]]', 75),
    (19, '12:58:13', 40, '+375336665544', '+375336665544', '0001363', 0, ARRAY['154'], '[["154", 14]]', 132),
    (12, '17:41:09', 50, '+375336665544', '+375336665544', '0001363', 0, ARRAY['154', '152'], '[["154", 8], ["152", 65]]', 301),
    (9, '08:59:58', 54, '80447770011', '+375447770011', '3881848', 0, ARRAY['153'], '[]', 22),
    (3, '14:15:30', 60, 'anonymous', NULL, '0001366', 0, ARRAY['153'], '[["153", 5]]', 44),
    (1, '13:22:17', 62, '80257000102', '+375257000102', '0001366', 0, ARRAY['153'], '[]', 18)
) AS x (days, at, number, phone, caller, line_id, call_type, rung, talks, seconds),
LATERAL (
    SELECT extract(epoch FROM ((now() AT TIME ZONE 'Europe/Minsk')::date - x.days + x.at::time) AT TIME ZONE 'Europe/Minsk')::bigint AS epoch
) AS began;

CREATE TEMP TABLE demo_talks ON COMMIT DROP AS
SELECT c.e, c.host, c.unique_id, c.epoch, c.caller, c.call_type, t.place, p.number AS extension, p.id AS internal_id, p.user_id,
       c.epoch + (t.talk ->> 1)::int AS at
FROM demo_calls c CROSS JOIN LATERAL jsonb_array_elements(c.talks) WITH ORDINALITY AS t (talk, place)
JOIN user_internal_phones p ON p.enterprise_id = c.e AND p.number = t.talk ->> 0;

INSERT INTO calls (enterprise_id, host_id, unique_id, started_at, phone, caller, line_id, call_type, status, answered_at, ended_at, talks)
SELECT c.e, c.host, c.unique_id, to_timestamp(c.epoch), c.phone, c.caller, c.line_id, c.call_type,
       CASE WHEN t.talks IS NULL THEN 'no_answer' ELSE 'answered' END, to_timestamp(t.at), to_timestamp(c.epoch + c.seconds),
       coalesce(t.talks, '[]')
FROM demo_calls c LEFT JOIN (
    SELECT unique_id, min(at) AS at, jsonb_agg(jsonb_build_array(extension, at, internal_id, user_id) ORDER BY place) AS talks
    FROM demo_talks GROUP BY unique_id
) t USING (unique_id);

INSERT INTO call_participants (enterprise_id, host_id, unique_id, started_at, extension, ring_order, internal_id, user_id, status, answered_at)
SELECT c.e, c.host, c.unique_id, to_timestamp(c.epoch), p.number, r.place, p.id, p.user_id,
       CASE WHEN t.at IS NULL THEN 'no_answer' ELSE 'answered' END, to_timestamp(t.at)
FROM demo_calls c CROSS JOIN LATERAL unnest(c.rung) WITH ORDINALITY AS r (number, place)
JOIN user_internal_phones p ON p.enterprise_id = c.e AND p.number = r.number
LEFT JOIN demo_talks t ON t.unique_id = c.unique_id AND t.extension = r.number;

INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
                            first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
SELECT f.e, f.caller, f.host || '/' || f.unique_id, to_timestamp(f.at), f.extension, f.internal_id, f.user_id,
       l.host || '/' || l.unique_id, to_timestamp(l.at), l.extension, l.internal_id, l.user_id
FROM (SELECT DISTINCT ON (caller) * FROM demo_talks WHERE call_type = 0 AND caller IS NOT NULL ORDER BY caller, at) f
JOIN (SELECT DISTINCT ON (caller) * FROM demo_talks WHERE call_type = 0 ORDER BY caller, at DESC) l USING (caller);

SELECT setval(pg_get_serial_sequence('users', 'id'), 28), setval(pg_get_serial_sequence('user_internal_phones', 'id'), 37),
       setval(pg_get_serial_sequence('shops', 'id'), 2), setval(pg_get_serial_sequence('crm_connections', 'id'), 2);
