"""Decide which URLs the emulator calls: URLs of this machine, unless ``allow_network`` is set."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def may_call(url: str) -> bool:
    """Return whether a URL names this machine by a loopback address or ``localhost``."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # The host is a name. Other names than localhost are not resolved and count as remote.
        return host == "localhost"


def is_web_url(text: str) -> bool:
    """Return whether a text is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
