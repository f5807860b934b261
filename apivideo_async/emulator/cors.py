"""What lets a page on another origin talk to the emulator: on every answer, errors included."""

from __future__ import annotations

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
