-- Do the till, the books and the sums of the entries agree? All in one transaction that writes temporary tables only.

-- name: make_tables
-- What the till holds, as it was scanned, and what has to be found in a second scan.
CREATE TEMPORARY TABLE live_wallets (
    customer text NOT NULL, wallet text NOT NULL, wallet_seq bigint NOT NULL,
    available_micros bigint NOT NULL, held_micros bigint NOT NULL, overdrawn_micros bigint NOT NULL, lots jsonb NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE live_again (customer text NOT NULL, wallet text NOT NULL, wallet_seq bigint NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE passed (customer text NOT NULL, wallet text NOT NULL, wallet_seq bigint NOT NULL) ON COMMIT DROP;

-- name: drop_doubles
-- A scan may find a wallet twice; the later one is as good as the earlier.
DELETE FROM live_wallets l USING live_wallets other
WHERE l.customer = other.customer AND l.wallet = other.wallet
    AND (l.wallet_seq < other.wallet_seq OR (l.wallet_seq = other.wallet_seq AND l.ctid < other.ctid));

-- name: count_behind
-- Wallets that the till knows further than the books.
SELECT count(*) FROM live_wallets l LEFT JOIN wallets w ON w.customer = l.customer AND w.wallet = l.wallet
WHERE w.wallet_seq IS NULL OR w.wallet_seq < l.wallet_seq;

-- name: compare
-- Every wallet whose figures differ at the entry up to which both know it. Where the books have passed the scan, that entry tells them.
SELECT l.customer, l.wallet, l.wallet_seq,
    CASE WHEN (l.available_micros, l.held_micros, l.overdrawn_micros) IS DISTINCT FROM (b.available_micros, b.held_micros, b.overdrawn_micros)
        THEN 'figures' ELSE 'lots' END AS what,
    l.available_micros AS live_available, l.held_micros AS live_held, l.overdrawn_micros AS live_overdrawn,
    b.available_micros, b.held_micros, b.overdrawn_micros
FROM live_wallets l
JOIN wallets w ON w.customer = l.customer AND w.wallet = l.wallet AND w.wallet_seq >= l.wallet_seq
LEFT JOIN LATERAL (
    SELECT e.after_available_micros AS available_micros, e.after_held_micros AS held_micros, e.after_overdrawn_micros AS overdrawn_micros
    FROM entries e
    WHERE w.wallet_seq > l.wallet_seq AND e.customer = l.customer AND e.wallet = l.wallet AND e.wallet_seq = l.wallet_seq
    UNION ALL
    SELECT a.available_micros, a.held_micros, a.overdrawn_micros FROM wallet_anchors a
    WHERE w.wallet_seq > l.wallet_seq AND a.customer = l.customer AND a.wallet = l.wallet AND a.wallet_seq = l.wallet_seq
    UNION ALL
    SELECT w.available_micros, w.held_micros, w.overdrawn_micros WHERE w.wallet_seq = l.wallet_seq
    UNION ALL
    SELECT 0, 0, 0 WHERE w.wallet_seq > l.wallet_seq AND l.wallet_seq = 0
) b ON true
LEFT JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array(lot, remaining_micros, held_micros) ORDER BY lot COLLATE "C"), '[]') AS lots
    FROM lots o WHERE o.customer = l.customer AND o.wallet = l.wallet AND (remaining_micros > 0 OR held_micros > 0)
) o ON w.wallet_seq = l.wallet_seq
WHERE (l.available_micros, l.held_micros, l.overdrawn_micros) IS DISTINCT FROM (b.available_micros, b.held_micros, b.overdrawn_micros)
    OR (w.wallet_seq = l.wallet_seq AND o.lots <> l.lots)
ORDER BY l.customer, l.wallet;

-- name: note_passed
-- Wallets that the books know further than the scan, or that it did not find: the till must know them as far, once it is asked again.
INSERT INTO passed
SELECT w.customer, w.wallet, w.wallet_seq FROM wallets w
LEFT JOIN live_wallets l ON l.customer = w.customer AND l.wallet = w.wallet
WHERE l.wallet_seq IS NULL OR l.wallet_seq < w.wallet_seq;

-- name: count_passed
-- Whether a second scan is needed.
SELECT count(*) FROM passed;

-- name: lost_in_till
-- Wallets of which the till has forgotten what the books know.
SELECT p.customer, p.wallet, p.wallet_seq, max(a.wallet_seq) AS live_seq
FROM passed p LEFT JOIN live_again a ON a.customer = p.customer AND a.wallet = p.wallet
GROUP BY p.customer, p.wallet, p.wallet_seq
HAVING max(a.wallet_seq) IS NULL OR max(a.wallet_seq) < p.wallet_seq
ORDER BY p.customer, p.wallet;

-- name: check_sums
-- Wallets that are not what their entries, those that are put away included, or their lots add up to.
WITH parts AS (
    SELECT customer, wallet, amount_micros, held_change_micros, 1 AS entries, wallet_seq FROM entries WHERE wallet_seq IS NOT NULL
    UNION ALL
    SELECT customer, wallet, available_micros + held_micros, held_micros, wallet_seq, wallet_seq FROM wallet_anchors
), sums AS (
    SELECT customer, wallet, sum(amount_micros)::bigint AS balance_micros, sum(held_change_micros)::bigint AS held_micros,
        sum(entries)::bigint AS entries, max(wallet_seq) AS wallet_seq
    FROM parts GROUP BY customer, wallet
), parcels AS (
    SELECT customer, wallet, sum(remaining_micros)::bigint AS remaining_micros, sum(held_micros)::bigint AS held_micros
    FROM lots GROUP BY customer, wallet
), both_sides AS (
    SELECT coalesce(w.customer, s.customer) AS customer, coalesce(w.wallet, s.wallet) AS wallet,
        coalesce(w.wallet_seq, 0) AS wallet_seq, coalesce(w.available_micros + w.held_micros, 0) AS balance_micros,
        coalesce(w.held_micros, 0) AS held_micros, coalesce(w.overdrawn_micros, 0) AS overdrawn_micros,
        coalesce(s.balance_micros, 0) AS sum_micros, coalesce(s.held_micros, 0) AS sum_held_micros,
        coalesce(s.entries, 0) AS entries, coalesce(s.wallet_seq, 0) AS last_seq
    FROM wallets w FULL JOIN sums s ON s.customer = w.customer AND s.wallet = w.wallet
)
SELECT b.*, coalesce(p.remaining_micros, 0) AS lots_micros, coalesce(p.held_micros, 0) AS lots_held_micros
FROM both_sides b LEFT JOIN parcels p ON p.customer = b.customer AND p.wallet = b.wallet
WHERE b.balance_micros <> b.sum_micros OR b.held_micros <> b.sum_held_micros OR b.wallet_seq <> b.entries OR b.wallet_seq <> b.last_seq
    OR coalesce(p.remaining_micros, 0) <> b.balance_micros + b.overdrawn_micros OR coalesce(p.held_micros, 0) > b.held_micros
ORDER BY b.customer, b.wallet;

-- name: count_entries
-- Of each bucket: how many entries its position tells of, and how many there are or were put away, repeated denials included.
SELECT p.bucket, p.seq, coalesce(a.seq, 0) + coalesce(e.count, 0) + coalesce(d.attempts, 0)::bigint AS found
FROM positions p
LEFT JOIN bucket_anchors a ON a.bucket = p.bucket
LEFT JOIN (SELECT bucket, count(*) FROM entries WHERE leg = 0 GROUP BY bucket) e ON e.bucket = p.bucket
LEFT JOIN (SELECT bucket, sum(attempts) AS attempts FROM denials GROUP BY bucket) d ON d.bucket = p.bucket
ORDER BY p.bucket;

-- name: count_wallets
-- How many wallets the books have.
SELECT count(*) FROM wallets;
