"""``apivideo plan``."""
