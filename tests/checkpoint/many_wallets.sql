-- Books of many wallets, made at once: $1 wallets and $2 remembered ids over $3 buckets, as of the moment $4 (Unix ms).
-- Of each wallet one lot, topped up nine days ago; every tenth has a low-credit rule. The ids are of charges of the last twelve hours.

-- name: positions
INSERT INTO positions SELECT b, (SELECT count(*) FROM generate_series(b, $1 - 1, $3)) + (SELECT count(*) FROM generate_series(b, $2 - 1, $3)),
    'c', 0, 0, $4, 0, 0, now() FROM generate_series(0, $3 - 1) AS b;

-- name: customers
INSERT INTO customers SELECT 'customer-' || lpad(n::text, 8, '0'), n % $2, 1, 'payg-usd', 'USD', 'UTC', NULL, '{}', 0, 1, NULL, 0, 0, false, '{}',
    $3, $3 FROM generate_series(0, $1 - 1) AS n;

-- name: wallets
INSERT INTO wallets (customer, wallet, bucket, unit, wallet_seq, available_micros, held_micros, overdrawn_micros, chain, opened_at_ms, changed_at_ms)
SELECT 'customer-' || lpad(n::text, 8, '0'), 'main', n % $2, 'USD', 1, 1000000 + n, 0, 0, '\x00', $3, $3 FROM generate_series(0, $1 - 1) AS n;

-- name: lots
INSERT INTO lots SELECT 'customer-' || lpad(n::text, 8, '0'), 'main', (n % $2) || '-' || (n / $2 + 1), n % $2, 'fro', 1000000 + n, 1000000 + n, 0,
    0, true, 0, n / $2 + 1, $3 FROM generate_series(0, $1 - 1) AS n;

-- name: rules
INSERT INTO alert_rules (customer, wallet, rule, bucket, state, level_micros, rearm_micros, enabled, percent, locks, fixed, user_id, of_plan,
    made_seq, made_place, changed_at_ms)
SELECT 'customer-' || lpad(n::text, 8, '0'), 'main', 'default', n % $2, 'armed', 500000, 600000, true, 0, false, false, '', true,
    n / $2 + 1, 0, $3 FROM generate_series(0, $1 - 1, 10) AS n;

-- name: top_ups
INSERT INTO entries (bucket, seq, leg, id, applied_at_ms, kind, customer, wallet, wallet_seq, unit, amount_micros, held_change_micros,
    before_available_micros, before_held_micros, before_overdrawn_micros, after_available_micros, after_held_micros, after_overdrawn_micros,
    command_id, command_type, input_topic, input_offset, usage_offset_next, commands_offset_next, chunk, prev_chunk, chain)
SELECT n % $2, n / $2 + 1, 0, (n % $2) || '-' || (n / $2 + 1), $3, 'topped_up', 'customer-' || lpad(n::text, 8, '0'), 'main', 1, 'USD', 1000000 + n, 0,
    0, 0, 0, 1000000 + n, 0, 0, 'k' || n, 'top_up', 'commands', n, 0, n + 1, 'c', 'c', '\x00' FROM generate_series(0, $1 - 1) AS n;

-- name: ids
INSERT INTO entries (bucket, seq, leg, id, applied_at_ms, kind, customer, wallet, amount_micros, held_change_micros,
    charge_id, decision, event_source, event_id, event_type, event_time_ms, input_topic, input_offset, usage_offset_next, commands_offset_next,
    chunk, prev_chunk)
SELECT n % $3, ($1 - n % $3 + $3 - 1) / $3 + n / $3 + 1, 0, 'x', $4 - 43200000 + 43200000::bigint * n / $2, 'reserved',
    'customer-' || lpad((n % $1)::text, 8, '0'), 'main', 0, 0, 'msg-' || lpad(n::text, 12, '0'), 'allowed', '/pipeline', 'event-' || lpad(n::text, 12, '0'),
    'sms.submitted', $4, 'usage', n, n + 1, 0, 'c', 'c' FROM generate_series(0, $2 - 1) AS n;
