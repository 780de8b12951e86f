"""The site: who may see what, and how it looks. Writes to the record only through pushlog."""
