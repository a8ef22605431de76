-- OAuth tokens of CRM connections. Every query names enterprise ($1) and connection ($2).

-- name: current
-- $3 hash of the credentials.
SELECT sealed, key_id FROM crm_tokens
WHERE enterprise_id = $1 AND connection_id = $2 AND credentials_hash = $3 AND sealed IS NOT NULL

-- name: begin
INSERT INTO crm_tokens (enterprise_id, connection_id)
SELECT enterprise_id, id FROM crm_connections WHERE enterprise_id = $1 AND id = $2
ON CONFLICT DO NOTHING

-- name: hold
-- Locks the row to the end of the transaction: one process renews, the others wait for what it gets.
SELECT true FROM crm_tokens WHERE enterprise_id = $1 AND connection_id = $2 FOR UPDATE

-- name: keep
-- $3 hash of the credentials, $4 sealed tokens, $5 key id.
UPDATE crm_tokens SET credentials_hash = $3, sealed = $4, key_id = $5, renewed_at = clock_timestamp()
WHERE enterprise_id = $1 AND connection_id = $2
