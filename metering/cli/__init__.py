"""The one program, `metering`. Thin: parses arguments, calls a capability, prints."""
