#!/usr/bin/env python
"""Runs Pushlog's commands."""

from console.commandline import main

if __name__ == "__main__":
    main()
