-- OAuth tokens of CRM connections. Every query names enterprise ($1) and connection ($2).

-- name: current
-- $3 hash of the credentials.
SELECT sealed, key_id FROM crm_tokens
WHERE enterprise_id = $1 AND connection_id = $2 AND credentials_hash = $3 AND sealed IS NOT NULL

-- name: begin
INSERT INTO crm_tokens (enterprise_id, connection_id)
SELECT enterprise_id, id FROM crm_connections WHERE enterprise_id = $1 AND id = $2
ON CONFLICT DO NOTHING

-- name: claim
-- $3 for how long. One process renews, the others wait for what it gets. Returns what the claim is known by, and which
-- tokens it is about; no row while somebody else renews.
UPDATE crm_tokens SET renewing_until = clock_timestamp() + $3::interval
WHERE enterprise_id = $1 AND connection_id = $2 AND (renewing_until IS NULL OR renewing_until <= clock_timestamp())
RETURNING renewing_until, renewed_at

-- name: release
-- $3 the claim.
UPDATE crm_tokens SET renewing_until = NULL WHERE enterprise_id = $1 AND connection_id = $2 AND renewing_until = $3

-- name: exists
SELECT true FROM crm_tokens WHERE enterprise_id = $1 AND connection_id = $2

-- name: keep
-- $3 hash of the credentials, $4 sealed tokens, $5 key id, $6 which tokens were renewed. No row if there are newer ones.
UPDATE crm_tokens
SET credentials_hash = $3, sealed = $4, key_id = $5, renewed_at = clock_timestamp(), renewing_until = NULL
WHERE enterprise_id = $1 AND connection_id = $2 AND renewed_at IS NOT DISTINCT FROM $6::timestamptz
RETURNING true
