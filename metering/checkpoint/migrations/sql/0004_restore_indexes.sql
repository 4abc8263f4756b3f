-- What a restore reads by bucket, in the order of its wallets.
CREATE INDEX IF NOT EXISTS lots_bucket ON lots (bucket);
CREATE INDEX IF NOT EXISTS alert_rules_bucket ON alert_rules (bucket);
