"""What keeps the log at 30 days, quick and running."""
