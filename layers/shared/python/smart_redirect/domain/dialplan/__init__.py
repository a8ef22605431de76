"""The dialplan of an enterprise: its settings become values, the values are validated, and written for an Asterisk."""
