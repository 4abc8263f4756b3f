"""What a message, call or conversation costs. Pure: leaves balances to `ledger` and topics to `worker`."""
