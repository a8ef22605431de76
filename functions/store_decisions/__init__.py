"""Decision records, from the log into the database."""
