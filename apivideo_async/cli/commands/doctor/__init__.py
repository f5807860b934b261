"""The command ``apivideo doctor``."""
