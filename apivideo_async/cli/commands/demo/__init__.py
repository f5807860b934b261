"""The command ``apivideo demo``."""
