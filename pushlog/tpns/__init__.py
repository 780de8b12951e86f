"""The TPNS dialect: what programs written for TPNS ask and get. docs/tpns.md has the sources."""
