"""Ingestion: any number of files into api.video, each exactly once, on one machine or on many."""
