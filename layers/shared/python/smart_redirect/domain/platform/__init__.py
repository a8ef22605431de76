"""The import of an existing platform: its rows in, ours and a report of what could not be taken over out."""
