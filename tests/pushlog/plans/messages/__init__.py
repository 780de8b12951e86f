"""A package: pytest ends a fixture of scope "package" with it, but that of a plain folder with the session."""
