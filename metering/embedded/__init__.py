"""Valkey, Postgres and a Kafka broker as child processes on loopback, for the demo, the tests and `metering up`.

Leaves topics, migrations and all meaning of the data to those who use them: this package knows nothing of metering.
"""
