"""``apivideo upload``."""
