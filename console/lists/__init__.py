"""The lists of messages and push tasks."""
