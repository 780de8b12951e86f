"""What is PostgreSQL's own: partitions, statements, locks, retries, and the embedded server."""
