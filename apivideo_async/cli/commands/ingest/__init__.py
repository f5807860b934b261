"""The commands ``apivideo ingest``: ingest sources, each exactly once, and report results."""
