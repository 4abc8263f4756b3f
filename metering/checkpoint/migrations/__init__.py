"""The migrations of the books, run by alembic. Leaves the statements to `sql`."""
