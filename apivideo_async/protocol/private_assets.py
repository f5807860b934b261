"""Assets of private videos (service.md#private-sessions).

The URLs of a private video contain a token. It opens one session, which lasts 24 hours, for one
viewer. Without a session, the service refuses the second asset. With the session (``?avh=``), all
assets can be requested. The package uses the URLs of the response and never builds asset URLs.
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
    """Return the URL that opens a session. Raises ``ConfigurationError`` if there is no token."""
    for address in (assets.hls, assets.mp4, assets.thumbnail) if assets is not None else ():
        parts = urlsplit(address or "")
        # Everything up to the token is kept, whatever the host: custom domains exist.
        if found := re.match(r".*/token/[^/]+", parts.path):
            return urlunsplit((parts.scheme, parts.netloc, f"{found[0]}/session", "", ""))
    raise ConfigurationError("the assets contain no token: is the video public, or discarded?")


@frozen
class PrivateSession:
    """An open session. Its token gives access to the video, so ``repr`` shows no field."""

    token: str = field(repr=False)
    """The session token, which is sent as ``avh``."""
    video_assets: VideoAssets = field(repr=False)
    """The assets from the record of the video."""

    def url(self, address: str) -> str:
        """Return the URL of an asset with the session token added."""
        parts = urlsplit(address)
        query = "&".join(part for part in (parts.query, urlencode({"avh": self.token})) if part)
        return urlunsplit(parts._replace(query=query))

    @property
    def assets(self) -> VideoAssets:
        """The assets with the session token in ``hls``, ``mp4`` and ``thumbnail``."""
        # The other URLs are unchanged, because the player opens its own session.
        given = {name: getattr(self.video_assets, name) for name in ("hls", "mp4", "thumbnail")}
        signed: dict[str, Any] = {
            name: self.url(address) for name, address in given.items() if address
        }
        return attrs.evolve(self.video_assets, **signed)
