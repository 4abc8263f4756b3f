-- A bucket's whole state, read in one repeatable-read snapshot. $1 is the bucket.

-- name: customers
-- Settings of every customer, by `layout.Customer`.
SELECT customer, version, plan, unit, time_zone, coalesce(country, ''), nullif(causes, '{}'), billing_start_ms, cycle_months,
    coalesce(wallet_mode, ''), limits, limits_count, rop::integer, nullif(equipment, '{}')
FROM customers WHERE bucket = $1;

-- name: states
-- Customers' other records.
SELECT customer, record::text FROM states WHERE bucket = $1;

-- name: blocks
-- Blocks of wallets and senders in the order in which they came. (What blocks a customer as a whole is in its settings, and a
-- user's in the limit that is the allotment.)
SELECT customer, level, id, causes, wallet, needed_micros, until_ms, since_ms, since_seq
FROM blocks WHERE bucket = $1 AND level IN ('wallet', 'sender') ORDER BY since_seq;

-- name: wallets
-- Wallets by customer and name; lots and rules come in the same order.
SELECT customer, wallet, unit, wallet_seq, available_micros, held_micros, overdrawn_micros, last_top_up_micros,
    state, kind, user_id, name, reference, keyword
FROM wallets WHERE bucket = $1 ORDER BY customer, wallet;

-- name: lots
-- Their lots that are not used up, by `layout.Lot`.
SELECT customer, wallet, lot, kind, remaining_micros, held_micros, expires_at_ms, made_seq, transferable::integer, notice_at_ms
FROM lots WHERE bucket = $1 AND (remaining_micros > 0 OR held_micros > 0) ORDER BY customer, wallet;

-- name: rules
-- Their rules, of each wallet in the order of their making.
SELECT customer, wallet, rule, state, level_micros, rearm_micros, enabled, percent, locks, fixed, user_id, of_plan
FROM alert_rules WHERE bucket = $1 ORDER BY customer, wallet, made_seq, made_place;

-- name: held_charges
-- Charges that hold credit, each with the prices of the recipients that are not settled yet, as JSON.
SELECT customer, charge_id, state, wallet, price_micros, held_micros, committed_micros, charge_on, failed_fee_micros, deadline_at_ms,
    parts::text AS parts, sender, CASE WHEN several THEN (
        SELECT json_object_agg(recipient, r.price_micros) FROM charge_recipients r
        WHERE r.customer = c.customer AND r.charge_id = c.charge_id
    ) END::text AS recipients, touched_at_ms, call::text AS call, takes::text AS takes
FROM charges c WHERE bucket = $1 AND state = 'held';

-- name: settled_charges
-- The same of charges that are settled and can still be met. $2 is the oldest moment of the window.
SELECT customer, charge_id, state, wallet, price_micros, held_micros, committed_micros, charge_on, failed_fee_micros, deadline_at_ms,
    parts::text AS parts, sender, CASE WHEN several THEN (
        SELECT json_object_agg(recipient, r.price_micros) FROM charge_recipients r
        WHERE r.customer = c.customer AND r.charge_id = c.charge_id
    ) END::text AS recipients, touched_at_ms, call::text AS call, takes::text AS takes
FROM charges c WHERE bucket = $1 AND state <> 'held' AND touched_at_ms >= $2;

-- name: events
-- Usage events whose repeats are recognised, in order. $2 is the oldest moment of the window.
SELECT event_source, event_id, applied_at_ms, seq, decision, reason, granted::text AS granted FROM entries
WHERE bucket = $1 AND applied_at_ms >= $2 AND event_id IS NOT NULL AND leg = 0 AND kind NOT IN ('duplicate', 'expired')
ORDER BY seq;

-- name: denied_events
-- The same of repeated denials, whose rows hold lists.
SELECT event_digests, event_seqs, event_ats_ms FROM denials
WHERE bucket = $1 AND last_at_ms >= $2 AND hour_ms >= $2 - 3600000 AND event_seqs IS NOT NULL ORDER BY first_seq;

-- name: commands
-- Commands whose repeats are answered, with what their answer is made of. Those applied after $2.
WITH others AS (
    SELECT seq, json_agg(
        json_build_array(wallet, amount_micros, after_available_micros, after_held_micros, after_overdrawn_micros) ORDER BY leg
    )::text AS legs
    FROM entries WHERE bucket = $1 AND applied_at_ms > $2 AND leg > 0 GROUP BY seq
)
SELECT customer, command_id, applied_at_ms, seq, reason, wallet, amount_micros,
    after_available_micros, after_held_micros, after_overdrawn_micros, others.legs, allotment::text AS allotment
FROM entries LEFT JOIN others USING (seq)
WHERE bucket = $1 AND applied_at_ms > $2 AND command_id IS NOT NULL AND leg = 0 AND kind NOT IN ('duplicate', 'expired') ORDER BY seq;
