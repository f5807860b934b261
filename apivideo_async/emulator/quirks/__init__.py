"""Quirks: behaviours of the service that differ from those that the documents suggest."""
