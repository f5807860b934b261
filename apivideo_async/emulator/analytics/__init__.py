"""Analytics, computed from the plays that were added (service.md#analytics)."""
