-- What a bucket's writer puts away now and then, judged by the bucket's clock.

-- name: forget_charges
-- Delete settled charges that nothing can meet any more, oldest first, at most $3. Rows that a flush is at are passed over.
WITH gone AS (
    DELETE FROM charges WHERE (customer, charge_id) IN (
        SELECT customer, charge_id FROM charges
        WHERE bucket = $1 AND state <> 'held' AND touched_at_ms < $2
        ORDER BY touched_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
    ) RETURNING customer, charge_id
), their_recipients AS (
    DELETE FROM charge_recipients r USING gone WHERE r.customer = gone.customer AND r.charge_id = gone.charge_id
)
SELECT count(*) FROM gone;

-- name: merge_denials
-- Make one row a sender of the oldest hour whose events need not be recognised any more. Returns the rows that it merged.
WITH old AS (
    DELETE FROM denials WHERE bucket = $1 AND event_seqs IS NOT NULL AND hour_ms = (
        SELECT min(hour_ms) FROM denials WHERE bucket = $1 AND event_seqs IS NOT NULL AND hour_ms < $2
    ) RETURNING *
), merged AS (
    INSERT INTO denials (
        bucket, hour_ms, customer, wallet, sender, first_seq, last_seq, attempts, price_micros, first_at_ms, last_at_ms
    )
    SELECT bucket, hour_ms, customer, wallet, sender, min(first_seq), max(last_seq), sum(attempts), sum(price_micros),
        min(first_at_ms), max(last_at_ms)
    FROM old GROUP BY bucket, hour_ms, customer, wallet, sender
)
SELECT count(*) FROM old;
