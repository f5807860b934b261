"""The command ``apivideo plan``."""
