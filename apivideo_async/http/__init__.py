"""Sends requests: authentication, request budget, retries, and the aiohttp transport."""
