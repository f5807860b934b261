"""The resources of the client: one module per section of the API, a few lines per method."""
