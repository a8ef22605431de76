"""The outside world behind the ports: PostgreSQL, queues, memory."""
