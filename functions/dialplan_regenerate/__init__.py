"""The call history on Lambda."""
