"""What the JSON API and the TPNS dialect share: bodies and their bounds."""
