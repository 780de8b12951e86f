"""The web server: a supervisor, and worker processes that share its socket."""
