"""One module per section of the API, a few lines per method."""
