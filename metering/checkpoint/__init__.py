"""The books: migrations, writer, restore, reconcile. The only code that writes Postgres."""
