"""Assets of private videos (service.md#private-sessions).

Their addresses hold a token that opens one session, of 24 hours, for one viewer. Without a session the second asset
asked for is refused; with it (``?avh=``) all of them can be had. Addresses come from the service and are never built.
"""

import re
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import attrs
from attrs import field, frozen

from ..errors import ConfigurationError
from ..models import VideoAssets

__all__ = ["PrivateSession", "session_address"]


def session_address(assets: VideoAssets | None) -> str:
    """Return where the session of these assets is opened. Raises ``ConfigurationError`` when they hold no token."""
    for address in (assets.hls, assets.mp4, assets.thumbnail) if assets is not None else ():
        parts = urlsplit(address or "")
        if found := re.match(r".*/token/[^/]+", parts.path):
            return urlunsplit((parts.scheme, parts.netloc, f"{found[0]}/session", "", ""))
    raise ConfigurationError("the assets hold no private token: is the video public, or discarded?")


@frozen
class PrivateSession:
    """An open session: whoever has it can watch, so ``repr`` shows nothing of it."""

    token: str = field(repr=False)
    """Sent as ``avh``."""
    video_assets: VideoAssets = field(repr=False)
    """As the video had them."""

    def url(self, address: str) -> str:
        """Add the session to the address of an asset."""
        parts = urlsplit(address)
        query = "&".join(part for part in (parts.query, urlencode({"avh": self.token})) if part)
        return urlunsplit(parts._replace(query=query))

    @property
    def assets(self) -> VideoAssets:
        """The assets with the session: ``hls``, ``mp4``, ``thumbnail``. The player opens a session of its own."""
        given = {name: getattr(self.video_assets, name) for name in ("hls", "mp4", "thumbnail")}
        signed: dict[str, Any] = {name: self.url(address) for name, address in given.items() if address}
        return attrs.evolve(self.video_assets, **signed)
