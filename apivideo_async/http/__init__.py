"""From a request to its response: authentication, budget, retries, and the aiohttp session."""
