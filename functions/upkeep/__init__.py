"""Partitions, retention and what should be heard of, on schedules."""
