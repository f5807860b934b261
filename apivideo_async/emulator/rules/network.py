"""Which addresses the emulator calls by itself: those of this machine, unless it was allowed more."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def may_call(url: str) -> bool:
    """Whether a web URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_web_url(text: str) -> bool:
    """Whether a text is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
