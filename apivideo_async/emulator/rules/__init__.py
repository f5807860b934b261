"""Rules of the service as pure functions and values."""
