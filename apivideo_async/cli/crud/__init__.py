"""Generic commands for the sections of the API: list, show and delete."""
