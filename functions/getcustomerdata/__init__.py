"""The call path on Lambda."""
