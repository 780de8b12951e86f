"""PostgreSQL's own features: partitions, statements, locks, retries, and the embedded server."""
