"""What crosses a topic: events, commands, decisions, entries, alerts. Leaves every rule about money to `ledger`."""
