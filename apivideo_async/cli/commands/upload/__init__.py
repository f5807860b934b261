"""The command ``apivideo upload``."""
