"""Handlers that the cold-start bench runs beside the call path."""
