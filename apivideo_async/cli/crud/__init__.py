"""Generic commands for the sections of the API: list, show, create, update and delete."""
