-- Are the chains whole? All in one repeatable-read snapshot.

-- name: entries
-- Every entry with a wallet_seq, wallet by wallet in order. {columns} are those that the hashes cover.
SELECT {columns}, chain FROM entries WHERE wallet_seq IS NOT NULL ORDER BY customer, wallet, wallet_seq;

-- name: wallets
-- Where the chains of some wallets must end.
SELECT w.customer, w.wallet, w.wallet_seq, w.chain FROM unnest($1::text[], $2::text[]) AS named (customer, wallet)
JOIN wallets w ON w.customer = named.customer AND w.wallet = named.wallet;

-- name: wallets_without_entries
-- Wallets that changed, if their own row is right, and have no entry.
SELECT w.customer, w.wallet FROM wallets w WHERE w.wallet_seq > 0
    AND NOT EXISTS (SELECT FROM entries e WHERE e.customer = w.customer AND e.wallet = w.wallet AND e.wallet_seq IS NOT NULL)
ORDER BY w.customer, w.wallet;
