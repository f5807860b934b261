"""The state of the emulated service: videos, live streams, players, tokens and media."""
