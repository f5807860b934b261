"""Decide which URLs the emulator calls, for webhooks and for the sources of videos."""

import ipaddress
from urllib.parse import urlsplit

__all__ = ["is_web_url", "may_call"]


def may_call(url: str, *, from_page: bool, allow_network: bool) -> bool:
    """Return whether the emulator may call a URL.

    Without ``allow_network`` it calls only this machine (a loopback address or ``localhost``). It
    never calls a URL that a web page sent (``from_page``; see ``browsers``).
    """
    if from_page:
        return False
    host = urlsplit(url).hostname or ""
    try:
        return allow_network or ipaddress.ip_address(host).is_loopback
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
