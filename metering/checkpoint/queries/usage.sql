-- What was used, for those who price it again. Moments in Unix milliseconds.

-- name: charged_usage
-- Inputs of the given event types that were charged since $1 and not given back, in the order of their topic.
SELECT e.bucket, e.input_offset, e.customer, c.plan, c.country
FROM entries e JOIN customers c USING (customer)
WHERE e.applied_at_ms >= $1 AND e.event_type = ANY ($2::text[]) AND e.input_topic = 'usage' AND e.rates_version IS NOT NULL
    AND e.kind IN ('reserved', 'debited', 'committed') AND e.due_at_ms IS NULL
    AND NOT (e.kind = 'reserved' AND e.recipients IS NULL AND EXISTS (
        SELECT FROM entries r WHERE r.charge_id = e.charge_id AND r.customer = e.customer AND r.kind = 'released'
    ))
ORDER BY e.bucket, e.input_offset;
