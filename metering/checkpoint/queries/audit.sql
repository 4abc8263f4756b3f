-- Are the chains whole? All in one repeatable-read snapshot.

-- name: hold_days
-- No day goes while it is read. Before the snapshot is taken: rows that go by TRUNCATE are gone from snapshots that are older, too.
LOCK TABLE entries, denials IN ACCESS SHARE MODE;

-- name: entries
-- Every entry with a wallet_seq, wallet by wallet in order. {columns} are those that the hashes cover.
SELECT {columns}, chain FROM entries WHERE wallet_seq IS NOT NULL ORDER BY customer, wallet, wallet_seq;

-- name: wallets
-- Where the chains of some wallets must end.
SELECT w.customer, w.wallet, w.wallet_seq, w.chain FROM unnest($1::text[], $2::text[]) AS named (customer, wallet)
JOIN wallets w ON w.customer = named.customer AND w.wallet = named.wallet;

-- name: anchors
-- Where the rows of some wallets begin.
SELECT a.customer, a.wallet, a.wallet_seq, a.chain, a.available_micros, a.held_micros, a.overdrawn_micros
FROM unnest($1::text[], $2::text[]) AS named (customer, wallet)
JOIN wallet_anchors a ON a.customer = named.customer AND a.wallet = named.wallet;

-- name: anchors_that_do_not_add_up
-- Anchors whose sums are not their balance.
SELECT customer, wallet FROM wallet_anchors a WHERE available_micros + held_micros
    <> (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(a.sums)) ORDER BY customer, wallet;

-- name: anchors_that_are_not_the_wallet
-- Wallets all of whose entries are put away, and that are not as the last of them left them.
SELECT a.customer, a.wallet FROM wallet_anchors a LEFT JOIN wallets w ON w.customer = a.customer AND w.wallet = a.wallet
WHERE (a.bucket, a.wallet_seq, a.available_micros, a.held_micros, a.overdrawn_micros, a.chain)
        IS DISTINCT FROM (w.bucket, w.wallet_seq, w.available_micros, w.held_micros, w.overdrawn_micros, w.chain)
    AND NOT EXISTS (SELECT FROM entries e WHERE e.customer = a.customer AND e.wallet = a.wallet AND e.wallet_seq IS NOT NULL)
ORDER BY a.customer, a.wallet;

-- name: wallets_without_entries
-- Wallets that changed, if their own row is right, and have no entry, nor an anchor of such as were put away.
SELECT w.customer, w.wallet FROM wallets w WHERE w.wallet_seq > 0
    AND NOT EXISTS (SELECT FROM wallet_anchors a WHERE a.customer = w.customer AND a.wallet = w.wallet)
    AND NOT EXISTS (SELECT FROM entries e WHERE e.customer = w.customer AND e.wallet = w.wallet AND e.wallet_seq IS NOT NULL)
ORDER BY w.customer, w.wallet;
