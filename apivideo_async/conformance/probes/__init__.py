"""The probes: each one asks the service a few questions with requests of its own."""
