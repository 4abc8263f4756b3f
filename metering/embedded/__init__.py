"""Valkey, Postgres and a Kafka broker as child processes on loopback, for the demo, the tests and `metering up`."""
