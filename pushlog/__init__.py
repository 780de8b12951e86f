"""The record: messages, receipts, statuses, and the only code that writes them. Knows nothing of HTML."""
