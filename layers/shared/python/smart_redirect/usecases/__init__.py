"""What Smart Redirect does, one module a use case; ports.py holds the Protocols they need."""
