"""Numbers about what was watched, computed from plays that whoever steers the emulator has added.

See service.md#analytics.
"""
