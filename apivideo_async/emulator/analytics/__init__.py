"""Analytics, computed from the plays that a test or another process has added.

See service.md#analytics.
"""
