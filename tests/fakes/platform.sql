-- The tables of an existing platform, strict copies of what an import reads of them (and of secrets it must not
-- read), with the rows of two enterprises. 0367 has one of everything that needs a decision.

CREATE TABLE enterprises (
    id serial PRIMARY KEY, number text UNIQUE NOT NULL, name text NOT NULL, name2 text UNIQUE, secret text, bot_token text,
    chat_id text, ip text, host text, active boolean DEFAULT true, is_enabled boolean DEFAULT true,
    scheme_count int, gsm_line_count int, integrations_config jsonb, created_at timestamp DEFAULT now());
CREATE TABLE users (
    id serial PRIMARY KEY, enterprise_number text NOT NULL REFERENCES enterprises (number), email text UNIQUE,
    first_name text, last_name text, patronymic text, personal_phone text, status text, is_admin boolean DEFAULT false,
    follow_me_number int, follow_me_enabled boolean DEFAULT false, follow_me_steps jsonb);
CREATE TABLE user_internal_phones (
    id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL, phone_number text NOT NULL,
    password text NOT NULL, enterprise_number text NOT NULL, outgoing_schema_id text, UNIQUE (enterprise_number, phone_number));
CREATE TABLE goip (id serial PRIMARY KEY);
CREATE TABLE gsm_lines (
    id serial PRIMARY KEY, goip_id int REFERENCES goip, enterprise_number text NOT NULL, line_id text UNIQUE,
    internal_id text, prefix text, phone_number text, line_name text, in_schema text, out_schema text, shop text,
    serial text, slot int, redirect text, created_at timestamp DEFAULT now());
CREATE TABLE sip_unit (
    id serial PRIMARY KEY, enterprise_number text NOT NULL, line_name text NOT NULL, password text NOT NULL, prefix text,
    info text, provider_id int, in_schema text, out_schema text, incoming_transform text);
CREATE TABLE shops (id serial PRIMARY KEY, enterprise_number text NOT NULL, name text NOT NULL, created_at timestamp);
CREATE TABLE shop_lines (
    shop_id int REFERENCES shops, gsm_line_id int REFERENCES gsm_lines, enterprise_number text NOT NULL,
    PRIMARY KEY (shop_id, gsm_line_id));
CREATE TABLE shop_sip_lines (
    shop_id int REFERENCES shops, sip_line_id int REFERENCES sip_unit, enterprise_number text NOT NULL,
    PRIMARY KEY (shop_id, sip_line_id));
CREATE TABLE dial_schemas (
    schema_id text PRIMARY KEY, enterprise_id text NOT NULL, schema_name text NOT NULL, schema_data text NOT NULL,
    schema_type text NOT NULL, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());
CREATE TABLE departments (id serial PRIMARY KEY, enterprise_number text, name text, number text);
CREATE TABLE department_members (
    department_id int REFERENCES departments, internal_phone_id int REFERENCES user_internal_phones);
CREATE TABLE customers (
    id serial PRIMARY KEY, enterprise_number text NOT NULL, phone_e164 text NOT NULL, last_name text, first_name text,
    middle_name text, enterprise_name text, meta jsonb, black_list boolean, UNIQUE (enterprise_number, phone_e164));
CREATE TABLE calls (
    id serial PRIMARY KEY, unique_id text UNIQUE NOT NULL, "timestamp" timestamp, start_time timestamp, end_time timestamp,
    duration int, enterprise_id text NOT NULL, token text, phone_number text, trunk text, main_extension text,
    extensions_count int, call_type text, call_status text, data_source text, raw_data jsonb, uuid_token text);
CREATE TABLE call_participants (
    id serial PRIMARY KEY, call_id int REFERENCES calls, extension text NOT NULL, participant_status text, ring_order int,
    ring_duration int, dial_start timestamp, answer_time timestamp, hangup_time timestamp, UNIQUE (call_id, extension));

INSERT INTO enterprises (number, name, name2, secret, ip, integrations_config) VALUES
('0367', 'Северный ветер', '375291234567', 'secret-word', '10.88.10.19', '{
  "retailcrm": {"enabled": true, "domain": "shop.retailcrm.ru", "api_key": "key-1", "user_extensions": {"17": "150", "18": null, "19": "999"}},
  "uon": {"enabled": true, "api_url": "https://api.u-on.ru", "api_key": "key-2", "user_extensions": {"5": "152"}},
  "ms": {"enabled": false},
  "smart": {"mode": "routing+name", "primary": "uon", "lines": {
    "gsm:0001363": {"enabled": true, "algorithm": "retailcrm", "do_routing": true, "send_line_name": true, "line_name_order": 1,
                    "send_customer_name": true, "customer_name_order": 1, "send_shop_name": false, "shop_name_order": 3},
    "sip:3881848": {"enabled": true, "algorithm": "first_call", "do_routing": false, "send_shop_name": true, "shop_name_order": 2},
    "gsm:0009999": {"enabled": true}}}}'),
('0400', 'Чужие', 'other-token', 'x', NULL, NULL);
INSERT INTO users (id, enterprise_number, email, last_name, first_name, follow_me_number, follow_me_enabled, follow_me_steps) VALUES
(25, '0367', 'ivanov@example.com', 'Иванов', 'Пётр', 255, true,
 '[{"step": 2, "rings": 40, "numbers": ["150", "8 (029) 123-45-67"]}, {"step": 1, "rings": 3, "numbers": [150, "151", "abc"]}]'),
(26, '0367', 'kravets@example.com', 'Кравец', 'Анна', 301, true, '[]'),
(27, '0400', 'other@example.com', 'Чужой', '', 256, false, NULL);
INSERT INTO dial_schemas (schema_id, enterprise_id, schema_name, schema_data, schema_type) VALUES
('a-in', '0367', 'Приёмная', '{"nodes": [{"id": "1", "type": "custom", "data": {}}], "edges": []}', 'incoming'),
('b-in', '0367', 'Приёмная', '{"nodes": [], "edges": []}', 'incoming'),
('c-out', '0367', 'Через GSM', '{"nodes": [], "edges": []}', 'outgoing'),
('d-bad', '0367', 'Сломанная', 'not json', 'incoming'),
('e-in', '0400', 'Приёмная', '{"nodes": [], "edges": []}', 'incoming');
INSERT INTO user_internal_phones (id, user_id, phone_number, password, enterprise_number, outgoing_schema_id) VALUES
(31, 25, '150', 'sip-secret', '0367', 'c-out'), (32, 26, '152', 'sip-secret', '0367', NULL),
(33, 25, '151', 'sip-secret', '0367', 'z-gone'), (34, 27, '160', 'sip-secret', '0367', NULL),
(35, NULL, 'lobby', 'sip-secret', '0367', NULL), (36, 27, '150', 'sip-secret', '0400', NULL);
INSERT INTO gsm_lines (id, enterprise_number, line_id, prefix, phone_number, line_name, in_schema, out_schema) VALUES
(7, '0367', '0001363', '21', '+375296001363', 'А1 приёмная', 'Приёмная', 'Через GSM'),
(8, '0367', '0001366', '22', '+375336001366', 'МТС', 'Нет такой', NULL),
(9, '0400', '0002000', '21', NULL, 'Чужая', NULL, NULL);
INSERT INTO sip_unit (id, enterprise_number, line_name, password, prefix, info, in_schema, out_schema) VALUES
(3, '0367', '3881848', 'trunk-secret', '23', 'Городской', 'Приёмная', 'Через GSM'),
(4, '0367', '0001366', 'trunk-secret', '24', 'Двойник', NULL, NULL);
INSERT INTO shops (id, enterprise_number, name) VALUES (1, '0367', 'Салон на Немиге'), (2, '0400', 'Чужой');
INSERT INTO shop_lines VALUES (1, 7, '0367');
INSERT INTO shop_sip_lines VALUES (1, 3, '0367'), (1, 4, '0367');
INSERT INTO departments (id, enterprise_number, name, number) VALUES (1, '0367', 'Продажи', '500'), (2, '0400', 'Чужой', '500');
INSERT INTO department_members VALUES (1, 31), (1, 35);
INSERT INTO customers (enterprise_number, phone_e164, last_name, first_name, enterprise_name) VALUES
('0367', '+375291112233', 'Петрова', 'Ольга', NULL), ('0367', '375291112233', 'Петрова', 'Дубль', NULL),
('0367', '+375172223344', NULL, NULL, 'ООО «Упаковка»'), ('0367', '+375447770011', '', '', ''),
('0367', '150', 'Свой', 'Номер', NULL), ('0400', '+375291112233', 'Чужой', 'Клиент', NULL);
-- Times are Minsk's; 1795417798 is 2026-11-23 07:09:58 UTC, 1795331398 the day before, 1753000000 is 2025-07-20.
INSERT INTO calls (id, unique_id, start_time, end_time, enterprise_id, phone_number, trunk, main_extension, call_type, call_status) VALUES
(1, '1795331398.1', '2026-11-22 10:09:58', '2026-11-22 10:12:00', '0367', '80291112233', '0001363', '150', '0', '2'),
(2, '1795417798.2', '2026-11-23 10:09:58', '2026-11-23 10:12:00', '0367', '+375291112233', '0001363', '152', '0', '2'),
(3, '1795417799.3', '2026-11-23 10:09:59', '2026-11-23 10:10:30', '0367', '80291112233', '0001363', '150', '0', '0'),
(4, '1795417800.4', '2026-11-23 10:10:00', '2026-11-23 10:11:00', '0367', '80291112233', '0001363', '151', '1', '2'),
(5, '1795417801.5', '2026-11-23 10:10:01', '2026-11-23 10:11:00', '0367', '151', '', '150', '2', '2'),
(6, '1795417802.6', '2026-11-23 10:10:02', NULL, '0367', '80291112233', '0001363', '150', '0', NULL),
(7, '1795417803.7', '2026-11-23 10:10:03', '2026-11-23 10:11:00', '0367', '80291112233', '0001363', '150', 'odd', '2'),
(8, '1753000000.8', '2025-07-20 11:26:40', '2025-07-20 11:30:00', '0367', '80291112233', '0001363', '151', '0', '2'),
(9, '1795417805.9', '2026-11-23 10:10:05', '2026-11-23 10:11:00', '0400', '80291112233', '0002000', '150', '0', '2');
INSERT INTO call_participants (call_id, extension, participant_status, ring_order, answer_time) VALUES
(1, '150', 'answered', 1, '2026-11-22 10:10:08'), (1, '152', 'no_answer', 2, NULL),
(2, '150', 'no_answer', 1, NULL), (2, '152', 'answered', 2, '2026-11-23 10:10:20'),
(3, '150', 'no_answer', 1, NULL), (4, '151', 'answered', 1, '2026-11-23 10:10:10'),
(5, '150', 'answered', 1, '2026-11-23 10:10:10'), (8, '151', 'answered', 1, '2025-07-20 11:26:50');
