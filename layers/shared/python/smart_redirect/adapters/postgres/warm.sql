-- What keeping the call path warm asks: who has called lately.

-- name: recent_enterprises
-- $1 how many. One look at the index of decisions for each enterprise: the latest call within a day, if there is one.
SELECT e.id
FROM enterprises e
CROSS JOIN LATERAL (
    SELECT d.decided_at FROM decisions d
    WHERE d.enterprise_id = e.id AND d.decided_at > now() - interval '1 day'
    ORDER BY d.decided_at DESC LIMIT 1
) AS latest
ORDER BY latest.decided_at DESC, e.id
LIMIT $1
