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

INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
                            first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
SELECT e, x.phone, x.first_call, x.first_at::timestamptz, x.first_ext, x.first_id, x.first_user,
       x.last_call, x.last_at::timestamptz, x.last_ext, x.last_id, x.last_user
FROM demo, (VALUES
    ('+375291112233', '0/1756713600.10', '2025-09-01 11:00+03', '152', 32, 26, '0/1759305600.20', '2025-10-01 11:00+03', '150', 31, 25),
    ('+375172223344', '0/1759392000.30', '2025-10-02 11:00+03', '153', 37, 27, '0/1759392000.30', '2025-10-02 11:00+03', '153', 37, 27),
    ('+375336665544', '0/1759478400.40', '2025-10-03 11:00+03', '154', 34, 28, '0/1759564800.50', '2025-10-04 11:00+03', '152', 32, 26)
) AS x (phone, first_call, first_at, first_ext, first_id, first_user, last_call, last_at, last_ext, last_id, last_user);

-- The demo host counts as having loaded the pool of every enabled line and extension, until a host agent reports.
INSERT INTO pbx_hosts (enterprise_id, name, context_trust, install, loaded_pool)
SELECT e, 'demo', 'reported', 'whole-file',
       '{"internal_ids":[31,32,33,34,35,36,37],"lines":["0001363","0001366","3881848"]}'::jsonb FROM demo;

SELECT setval(pg_get_serial_sequence('users', 'id'), 28), setval(pg_get_serial_sequence('user_internal_phones', 'id'), 37),
       setval(pg_get_serial_sequence('shops', 'id'), 2), setval(pg_get_serial_sequence('crm_connections', 'id'), 2);
