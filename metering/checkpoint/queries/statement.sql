-- What customers ask of the books. Amounts in micro-units, moments in Unix milliseconds.

-- name: wallet_statement
-- The entries that changed a wallet, oldest first: $3 <= applied_at_ms < $4.
SELECT id, applied_at_ms, wallet, counter_wallet, wallet_seq, kind, reason, unit, amount_micros, held_change_micros,
    after_available_micros + after_held_micros AS balance_micros, after_available_micros AS available_micros,
    after_held_micros AS held_micros, price_micros, charge_id, event_type, event_id, command_type, command_id, channel, country,
    quantity, sender, user_id, campaign, on_behalf_of, actor, note, after_overdrawn_micros AS overdrawn_micros, nro_change(entries) AS nro_change
FROM entries WHERE customer = $1 AND wallet = $2 AND wallet_seq IS NOT NULL AND applied_at_ms >= $3 AND applied_at_ms < $4
ORDER BY wallet_seq;

-- name: customer_statement
-- The same of all wallets of a customer, in the order in which it happened.
SELECT id, applied_at_ms, wallet, counter_wallet, wallet_seq, kind, reason, unit, amount_micros, held_change_micros,
    after_available_micros + after_held_micros AS balance_micros, after_available_micros AS available_micros,
    after_held_micros AS held_micros, price_micros, charge_id, event_type, event_id, command_type, command_id, channel, country,
    quantity, sender, user_id, campaign, on_behalf_of, actor, note, after_overdrawn_micros AS overdrawn_micros, nro_change(entries) AS nro_change
FROM entries WHERE customer = $1 AND wallet_seq IS NOT NULL AND applied_at_ms >= $2 AND applied_at_ms < $3
ORDER BY applied_at_ms, seq, leg;

-- name: hold_days
-- No day goes while it is read. Before the snapshot is taken: rows that go by TRUNCATE are gone from snapshots that are older, too.
LOCK TABLE entries IN ACCESS SHARE MODE;

-- name: put_away
-- What is left of entries of a customer's wallets that are put away; of all of them where $2 is null.
SELECT a.wallet, b.cut_ms, a.wallet_seq, w.unit, a.available_micros + a.held_micros AS balance_micros, a.available_micros, a.held_micros,
    a.sums::text AS sums
FROM wallet_anchors a JOIN bucket_anchors b USING (bucket) JOIN wallets w ON w.customer = a.customer AND w.wallet = a.wallet
WHERE a.customer = $1 AND (a.wallet = $2 OR $2 IS NULL) ORDER BY a.wallet;

-- name: cut
-- The moment before which a customer's entries are put away; null where none is.
SELECT b.cut_ms FROM customers c JOIN bucket_anchors b USING (bucket) WHERE c.customer = $1;

-- name: nro_before
-- What granted credit (NRO) each wallet of a customer had before $2, or before its first entry that is not put away: what it has now, less
-- what has changed since.
SELECT w.wallet, coalesce((SELECT sum(l.remaining_micros) FROM lots l
        WHERE l.customer = w.customer AND l.wallet = w.wallet AND l.kind = 'nro'), 0)::bigint
    - coalesce((SELECT sum(nro_change(e)) FROM entries e
        WHERE e.customer = w.customer AND e.wallet = w.wallet AND e.wallet_seq IS NOT NULL AND e.applied_at_ms >= $2), 0)::bigint AS nro_micros
FROM wallets w WHERE w.customer = $1;

-- name: user_statement
-- The lines of a user's total, oldest first: $3 <= applied_at_ms < $4. The subtotal is the sum of all changes so far.
SELECT id, applied_at_ms, allotment ->> 'user' AS user_id, kind, reason,
    coalesce((allotment ->> 'change_micros')::bigint, 0) AS change_micros,
    coalesce((allotment ->> 'lapsed_micros')::bigint, 0) AS lapsed_micros,
    coalesce((allotment ->> 'subtotal_micros')::bigint, 0) AS subtotal_micros,
    (allotment ->> 'total_micros')::bigint AS total_micros, (allotment ->> 'per_month_micros')::bigint AS per_month_micros,
    due_at_ms, command_type, command_id, actor, note
FROM entries WHERE customer = $1 AND allotment ->> 'user' = $2 AND allotment IS NOT NULL AND kind <> 'refused' AND leg = 0
    AND applied_at_ms >= $3 AND applied_at_ms < $4
ORDER BY applied_at_ms, seq;

-- name: balances
-- A customer's wallets, and how far the books of its bucket have come.
SELECT w.wallet, w.unit, w.available_micros, w.held_micros, w.overdrawn_micros, w.available_micros + w.held_micros AS balance_micros,
    w.wallet_seq, w.changed_at_ms, p.clock_ms
FROM wallets w JOIN positions p USING (bucket) WHERE w.customer = $1 ORDER BY w.wallet;
