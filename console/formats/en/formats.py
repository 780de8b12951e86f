"""ISO 8601, with the offset."""

DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\CO"
