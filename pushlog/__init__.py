"""The record: messages, receipts, statuses, and the only code that writes them. Knows nothing of HTML."""

__version__ = "0.2.0"
