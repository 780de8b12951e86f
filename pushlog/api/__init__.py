"""The JSON API (design, section 6): how programs write the log and read it."""
