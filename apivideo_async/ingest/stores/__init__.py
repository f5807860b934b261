"""Opening sources: local files, objects and web files."""
