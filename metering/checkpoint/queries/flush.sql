-- One flush of one bucket, in one transaction. $1 is the bucket wherever there is one.

-- name: read_position
-- Where the books of a bucket stand.
SELECT seq, chunk, usage_offset_next, commands_offset_next, clock_ms, timers_run, ledger_offset_next,
    (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at_ms
FROM positions WHERE bucket = $1;

-- name: look_up_by_key
-- Until the transaction ends, rows are looked up one by one. A flush names a few thousand rows of a table by their keys, and where a table
-- is less than ten times as large, the planner would rather read all of it, at each flush.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: begin_position
-- The first flush of a bucket makes the row. None comes back when another checkpointer was first.
INSERT INTO positions (
    bucket, seq, chunk, usage_offset_next, commands_offset_next, clock_ms, timers_run, ledger_offset_next, updated_at
) VALUES ($1, 0, '', 0, 0, 0, 0, 0, now())
ON CONFLICT (bucket) DO NOTHING
RETURNING bucket;

-- name: lock_position
-- Every later flush: the row, if it is still the one that this writer read, and nobody else's until the commit.
SELECT bucket FROM positions WHERE bucket = $1 AND seq = $2 AND chunk = $3 FOR NO KEY UPDATE;

-- name: move_position
-- The end of a flush.
UPDATE positions SET seq = $2, chunk = $3, usage_offset_next = $4, commands_offset_next = $5, clock_ms = $6, timers_run = $7,
    ledger_offset_next = $8, updated_at = clock_timestamp()
WHERE bucket = $1;

-- name: read_wallets
-- The wallets that a batch touches, as the books have them.
SELECT w.customer, w.wallet, w.bucket, w.unit, w.wallet_seq, w.available_micros, w.held_micros, w.overdrawn_micros, w.chain
FROM unnest($1::text::text[], $2::text::text[]) AS named (customer, wallet)
JOIN wallets w ON w.customer = named.customer AND w.wallet = named.wallet;

-- name: insert_wallets
-- Wallets that are new to the books.
INSERT INTO wallets (
    bucket, customer, wallet, unit, wallet_seq, available_micros, held_micros, overdrawn_micros, chain, opened_at_ms, changed_at_ms
)
SELECT $1, * FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::text[], $5::text::bigint[], $6::text::bigint[], $7::text::bigint[], $8::text::bigint[],
    $9::text::bytea[], $10::text::bigint[], $11::text::bigint[]
);

-- name: update_wallets
-- Wallets that the books have, if they are as the flush before left them.
UPDATE wallets w SET wallet_seq = n.wallet_seq, available_micros = n.available_micros, held_micros = n.held_micros,
    overdrawn_micros = n.overdrawn_micros, chain = n.chain, changed_at_ms = n.changed_at_ms
FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::bigint[], $5::text::bigint[], $6::text::bigint[], $7::text::bigint[], $8::text::bytea[],
    $9::text::bigint[], $10::text::bytea[]
) AS n (customer, wallet, wallet_seq, available_micros, held_micros, overdrawn_micros, chain, changed_at_ms, chain_before)
WHERE w.customer = n.customer AND w.wallet = n.wallet AND w.bucket = $1 AND w.chain = n.chain_before;

-- name: save_top_ups
-- The last top-up of wallets that had one in this batch.
UPDATE wallets w SET last_top_up_micros = n.amount_micros
FROM unnest($2::text::text[], $3::text::text[], $4::text::bigint[]) AS n (customer, wallet, amount_micros)
WHERE w.customer = n.customer AND w.wallet = n.wallet AND w.bucket = $1;

-- name: save_profiles
-- What is said of wallets after this batch.
UPDATE wallets w SET state = n.state, kind = n.kind, user_id = n.user_id, name = n.name, reference = n.reference, keyword = n.keyword
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8::text::text[],
    $9::text::text[]) AS n (customer, wallet, state, kind, user_id, name, reference, keyword)
WHERE w.customer = n.customer AND w.wallet = n.wallet AND w.bucket = $1;

-- name: forget_rules
-- Low-credit rules of wallets that were closed.
DELETE FROM alert_rules r USING unnest($1::text::text[], $2::text::text[]) AS n (customer, wallet)
WHERE r.customer = n.customer AND r.wallet = n.wallet;

-- name: insert_lots
-- Lots that were made in this batch.
INSERT INTO lots (
    bucket, customer, wallet, lot, kind, first_micros, remaining_micros, held_micros, expires_at_ms, transferable, notice_at_ms, made_seq,
    made_at_ms
)
SELECT $1, * FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::bigint[], $7::text::bigint[], $8::text::bigint[], $9::text::bigint[], $10::text::boolean[],
    $11::text::bigint[], $12::text::bigint[], $13::text::bigint[]
);

-- name: update_lots
-- Lots that the books have.
UPDATE lots l SET remaining_micros = n.remaining_micros, held_micros = n.held_micros
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $5::text::bigint[], $6::text::bigint[]) AS n (customer, wallet, lot, remaining_micros, held_micros)
WHERE l.customer = n.customer AND l.wallet = n.wallet AND l.lot = n.lot AND l.bucket = $1;

-- name: update_expiries
-- Lots that lapse at another time, or are told of at another.
UPDATE lots l SET expires_at_ms = n.expires_at_ms, notice_at_ms = n.notice_at_ms
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $5::text::bigint[], $6::text::bigint[]) AS n (customer, wallet, lot, expires_at_ms, notice_at_ms)
WHERE l.customer = n.customer AND l.wallet = n.wallet AND l.lot = n.lot AND l.bucket = $1;

-- name: find_charges
-- Which of some charges the books have. Nobody adds one meanwhile: the position is locked.
SELECT c.customer, c.charge_id FROM unnest($1::text::text[], $2::text::text[]) AS named (customer, charge_id)
JOIN charges c ON c.customer = named.customer AND c.charge_id = named.charge_id;

-- name: save_charges
-- Charges after this batch. `several` is null where the batch does not say, and then stays.
INSERT INTO charges AS c (
    bucket, customer, charge_id, wallet, state, price_micros, held_micros, committed_micros, charge_on, failed_fee_micros,
    deadline_at_ms, parts, sender, several, touched_at_ms, call, takes
)
SELECT $1, customer, charge_id, wallet, state, price_micros, held_micros, committed_micros, charge_on, failed_fee_micros,
    deadline_at_ms, parts::json, sender, several, touched_at_ms, call::json, takes::json
FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::bigint[], $7::text::bigint[], $8::text::bigint[], $9::text::text[], $10::text::bigint[],
    $11::text::bigint[], $12::text::text[], $13::text::text[], $14::text::boolean[], $15::text::bigint[], $16::text::text[], $17::text::text[]
) AS n (
    customer, charge_id, wallet, state, price_micros, held_micros, committed_micros, charge_on, failed_fee_micros,
    deadline_at_ms, parts, sender, several, touched_at_ms, call, takes
)
ON CONFLICT (customer, charge_id) DO UPDATE SET wallet = EXCLUDED.wallet, state = EXCLUDED.state,
    price_micros = EXCLUDED.price_micros, held_micros = EXCLUDED.held_micros, committed_micros = EXCLUDED.committed_micros,
    charge_on = EXCLUDED.charge_on, failed_fee_micros = EXCLUDED.failed_fee_micros, deadline_at_ms = EXCLUDED.deadline_at_ms,
    parts = EXCLUDED.parts, sender = EXCLUDED.sender,
    several = coalesce(EXCLUDED.several, c.several), touched_at_ms = EXCLUDED.touched_at_ms, call = EXCLUDED.call,
    takes = EXCLUDED.takes
WHERE c.bucket = EXCLUDED.bucket;

-- name: forget_recipients
-- Recipients of earlier charges whose names began anew.
DELETE FROM charge_recipients r USING unnest($1::text::text[], $2::text::text[]) AS n (customer, charge_id)
WHERE r.customer = n.customer AND r.charge_id = n.charge_id;

-- name: settle_recipients
-- Recipients that are settled.
DELETE FROM charge_recipients r USING unnest($1::text::text[], $2::text::text[], $3::text::text[]) AS n (customer, charge_id, recipient)
WHERE r.customer = n.customer AND r.charge_id = n.charge_id AND r.recipient = n.recipient;

-- name: save_customers
-- Settings after this batch.
INSERT INTO customers AS c (
    bucket, customer, version, plan, unit, time_zone, country, causes, billing_start_ms, cycle_months, wallet_mode, limits,
    limits_count, rop, equipment, opened_at_ms, changed_at_ms
)
SELECT $1, n.customer, n.version, n.plan, n.unit, n.time_zone, n.country, string_to_array(n.causes, ','), n.billing_start_ms,
    n.cycle_months, n.wallet_mode, n.limits, n.limits_count, n.rop, string_to_array(n.equipment, ','), n.at_ms, n.at_ms
FROM unnest(
    $2::text::text[], $3::text::bigint[], $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8::text::text[], $9::text::bigint[], $10::text::integer[],
    $11::text::text[], $12::text::bigint[], $13::text::integer[], $14::text::boolean[], $15::text::text[], $16::text::bigint[]
) AS n (
    customer, version, plan, unit, time_zone, country, causes, billing_start_ms, cycle_months, wallet_mode, limits,
    limits_count, rop, equipment, at_ms
)
ON CONFLICT (customer) DO UPDATE SET version = EXCLUDED.version, plan = EXCLUDED.plan, unit = EXCLUDED.unit,
    time_zone = EXCLUDED.time_zone, country = EXCLUDED.country, causes = EXCLUDED.causes, billing_start_ms = EXCLUDED.billing_start_ms,
    cycle_months = EXCLUDED.cycle_months, wallet_mode = EXCLUDED.wallet_mode, limits = EXCLUDED.limits,
    limits_count = EXCLUDED.limits_count, rop = EXCLUDED.rop, equipment = EXCLUDED.equipment,
    changed_at_ms = EXCLUDED.changed_at_ms
WHERE c.bucket = EXCLUDED.bucket;

-- name: save_rules
-- Low-credit rules after this batch.
INSERT INTO alert_rules AS r (
    bucket, customer, wallet, rule, state, level_micros, rearm_micros, enabled, percent, locks, fixed, user_id, of_plan, made_seq, made_place, changed_at_ms
)
SELECT $1, * FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::bigint[], $7::text::bigint[], $8::text::boolean[], $9::text::integer[], $10::text::boolean[],
    $11::text::boolean[], $12::text::text[], $13::text::boolean[], $14::text::bigint[], $15::text::integer[], $16::text::bigint[]
)
ON CONFLICT (customer, wallet, rule) DO UPDATE SET state = EXCLUDED.state, level_micros = EXCLUDED.level_micros,
    rearm_micros = EXCLUDED.rearm_micros, enabled = EXCLUDED.enabled, percent = EXCLUDED.percent, locks = EXCLUDED.locks,
    fixed = EXCLUDED.fixed, user_id = EXCLUDED.user_id, of_plan = EXCLUDED.of_plan, changed_at_ms = EXCLUDED.changed_at_ms
WHERE r.bucket = EXCLUDED.bucket;

-- name: drop_states
-- Customers' records that are gone.
DELETE FROM states s USING unnest($1::text::text[], $2::text::text[], $3::text::text[]) AS n (customer, kind, id)
WHERE s.customer = n.customer AND s.kind = n.kind AND s.id = n.id;

-- name: save_states
-- Customers' other records after this batch.
INSERT INTO states AS s (bucket, customer, kind, id, record, changed_at_ms)
SELECT $1, n.customer, n.kind, n.id, n.record::json, n.changed_at_ms
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::bigint[]) AS n (customer, kind, id, record, changed_at_ms)
ON CONFLICT (customer, kind, id) DO UPDATE SET record = EXCLUDED.record, changed_at_ms = EXCLUDED.changed_at_ms
WHERE s.bucket = EXCLUDED.bucket;

-- name: lift_blocks
-- Blocks that are gone.
DELETE FROM blocks b USING unnest($1::text::text[], $2::text::text[], $3::text::text[]) AS n (customer, level, id)
WHERE b.customer = n.customer AND b.level = n.level AND b.id = n.id;

-- name: save_blocks
-- Blocks that stand.
INSERT INTO blocks AS b (bucket, customer, level, id, reason, causes, wallet, needed_micros, until_ms, since_ms, since_seq)
SELECT $1, customer, level, id, reason, string_to_array(causes, ','), wallet, needed_micros, until_ms, since_ms, since_seq
FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8::text::bigint[], $9::text::bigint[], $10::text::bigint[], $11::text::bigint[]
) AS n (customer, level, id, reason, causes, wallet, needed_micros, until_ms, since_ms, since_seq)
ON CONFLICT (customer, level, id) DO UPDATE SET reason = EXCLUDED.reason, causes = EXCLUDED.causes, wallet = EXCLUDED.wallet,
    needed_micros = EXCLUDED.needed_micros, until_ms = EXCLUDED.until_ms, since_ms = EXCLUDED.since_ms, since_seq = EXCLUDED.since_seq
WHERE b.bucket = EXCLUDED.bucket;
