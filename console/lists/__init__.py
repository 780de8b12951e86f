"""The lists: query string, filters, columns, and what the templates need."""
