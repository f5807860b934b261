"""Pages for browsers: the dashboard at ``/``, and the players."""
