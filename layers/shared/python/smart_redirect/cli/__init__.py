"""The smart-redirect command."""
