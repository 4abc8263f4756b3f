-- What was used, for those who price it again. Moments in Unix milliseconds.

-- name: charged_usage
-- Inputs of the given event types that were charged since $1 and not given back, in the order of their topic. Of a call its beginning, which
-- says where it went, and its end, which says how long it took; a call that has not ended is left out.
SELECT e.bucket, e.input_offset, e.customer, c.plan, c.country, e.event_type, e.charge_id
FROM entries e JOIN customers c USING (customer)
WHERE e.applied_at_ms >= $1 AND e.event_type = ANY ($2::text[]) AND e.input_topic = 'usage' AND e.due_at_ms IS NULL
    AND e.kind IN ('reserved', 'debited', 'committed') AND (e.rates_version IS NOT NULL OR e.event_type = 'voice.ended')
    AND CASE WHEN e.event_type = 'voice.started' THEN EXISTS (
        SELECT FROM entries r WHERE r.charge_id = e.charge_id AND r.customer = e.customer AND r.event_type = 'voice.ended'
            AND r.kind IN ('debited', 'committed')
    ) ELSE NOT (e.kind = 'reserved' AND e.recipients IS NULL AND EXISTS (
        SELECT FROM entries r WHERE r.charge_id = e.charge_id AND r.customer = e.customer AND r.kind = 'released'
    )) END
ORDER BY e.bucket, e.input_offset;
