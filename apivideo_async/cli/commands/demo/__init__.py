"""``apivideo demo``."""
