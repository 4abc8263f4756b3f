"""One migration a file, in order. Leaves the statements to `sql`."""
