-- 2,000 callers of the demo enterprise, half with history, a third with a CRM contact, some unknown.
UPDATE enterprises SET requests_per_second = 1000000;
INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, responsible_extension)
SELECT 1, '+37529' || (2000000 + n), 1, 'c' || n, 'Покупатель ' || n, '17', NULL
FROM generate_series(0, 1999, 3) AS n;
INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
                            first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
SELECT 1, '+37529' || (2000000 + n), '0/1.1', now(), '152', 32, 26, '0/1.2', now(), '153', 37, 27
FROM generate_series(0, 1999, 2) AS n;
ANALYZE;
