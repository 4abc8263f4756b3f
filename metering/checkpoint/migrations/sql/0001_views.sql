-- What people look at.

CREATE VIEW journal AS
SELECT id, leg, at(applied_at_ms) AS applied_at, kind, reason, customer, wallet, counter_wallet, wallet_seq, unit,
    units(amount_micros) AS amount,
    units(held_change_micros) AS held_change, units(price_micros) AS price, units(after_available_micros) AS available_after,
    units(after_held_micros) AS held_after, units(after_overdrawn_micros) AS overdrawn_after, charge_id, charge_state, decision,
    event_source, event_id, event_type, at(event_time_ms) AS event_time, command_id, command_type, channel, country, quantity, sender,
    user_id, campaign, on_behalf_of, actor, note, applied_at_ms, bucket, seq
FROM entries;
COMMENT ON VIEW journal IS 'Entries with timestamps and whole units. Limit applied_at_ms with ms(): that is what partitions go by';

CREATE VIEW balances AS
SELECT w.customer, w.wallet, w.kind, w.state, w.name, w.reference, w.keyword, w.user_id, w.unit, w.available_micros,
    w.held_micros, w.overdrawn_micros, w.available_micros + w.held_micros AS balance_micros, units(w.available_micros) AS available, units(w.held_micros) AS held,
    units(w.overdrawn_micros) AS overdrawn, w.wallet_seq, at(w.changed_at_ms) AS changed_at, at(p.clock_ms) AS books_as_of
FROM wallets w JOIN positions p USING (bucket);
COMMENT ON VIEW balances IS 'Wallets as the books have them; books_as_of is the bucket''s clock at the last checkpoint';

CREATE VIEW holds AS
SELECT customer, charge_id, wallet, held_micros, units(held_micros) AS held, price_micros, committed_micros, charge_on,
    at(deadline_at_ms) AS deadline_at, sender, parts, at(touched_at_ms) AS touched_at, bucket
FROM charges WHERE state = 'held';
COMMENT ON VIEW holds IS 'Charges that hold credit';

CREATE VIEW denials_by_hour AS
SELECT customer, wallet, sender, at(hour_ms) AS hour, sum(attempts)::bigint AS attempts, sum(price_micros)::bigint AS price_micros,
    at(min(first_at_ms)) AS first_at, at(max(last_at_ms)) AS last_at, hour_ms
FROM denials GROUP BY customer, wallet, sender, hour_ms;
COMMENT ON VIEW denials_by_hour IS 'Attempts of blocked senders, a sender and hour. Limit hour_ms with ms()';

CREATE FUNCTION nro_change(entry entries) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum((part->>'amount_micros')::bigint), 0)::bigint
    FROM json_array_elements(entry.lots) part
    JOIN lots l ON l.customer = entry.customer AND l.wallet = entry.wallet AND l.lot = part->>'lot'
    WHERE l.kind = 'nro'
$$;
COMMENT ON FUNCTION nro_change IS 'What an entry changes of granted credit (lots of kind nro): nro_change(entries)';
