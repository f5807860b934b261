"""``apivideo doctor``."""
