"""The site. It writes messages only through pushlog."""
