"""CORS headers, which let pages of other origins call the API.

They are sent with all responses of the API, errors included; ``browsers`` explains the rules.
``Access-Control-Allow-Private-Network`` is not sent: only pages of this machine and of its network
need to call the emulator.
"""

from __future__ import annotations

# Scripts of other origins can read only those response headers that are exposed here.
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, X-RateLimit-Limit, "
    "X-RateLimit-Remaining, X-RateLimit-Retry-After",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Range, Content-Type, Range, AV-Origin-Client, "
    "AV-Origin-App, AV-Origin-Sdk",
    "Access-Control-Max-Age": "600",
}
