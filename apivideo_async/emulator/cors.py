"""What lets a page on another origin talk to the API: on all its answers, errors included; `browsers` says why.

There is no `Access-Control-Allow-Private-Network`: only pages of this machine and of its network have reason to call.
"""

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
