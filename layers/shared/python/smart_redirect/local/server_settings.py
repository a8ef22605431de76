"""Settings of the embedded PostgreSQL: those for keeps, those of the tests, and those that always hold."""

from collections.abc import Mapping

SAFE_SETTINGS: Mapping[str, str] = {
    "max_connections": "50",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "jit": "off",
    # One file a weekday, overwritten a week later: a server that runs for months can not fill the disk.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

# Nothing survives a power cut, which a test does not have; what was committed survives `kill -9`.
TEST_SETTINGS: Mapping[str, str] = {
    "max_connections": "100",
    "shared_buffers": "16MB",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "autovacuum": "off",
}

# Terse: a DETAIL line would quote rows, and with them callers' numbers.
FIXED_SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "unix_socket_permissions": "0700",
    # A query that was cut while it waited for a lock gives its backend back, not only when the lock is free.
    "client_connection_check_interval": "1s",
}
