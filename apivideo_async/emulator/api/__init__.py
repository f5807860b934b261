"""Handlers of the API operations, one module per section of the API."""
