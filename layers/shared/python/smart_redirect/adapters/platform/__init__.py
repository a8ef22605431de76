"""The database of an existing platform, which an import reads."""
