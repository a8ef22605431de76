"""The pure core: calls, phones, routing, replies and history as values; no clock, no I/O, no framework."""
