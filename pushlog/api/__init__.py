"""The JSON API through which programs write and read the log."""
