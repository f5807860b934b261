"""One module per section of the API: its commands, and the noun that they share."""
