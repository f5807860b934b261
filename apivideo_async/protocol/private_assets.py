"""Assets of private videos and live streams (service.md#private-sessions).

The URLs of a private item contain a token. It opens one session, which lasts 24 hours, for one
viewer. Without a session, the service refuses the second asset. With the session (``?avh=``), all
assets can be requested.

The token is in the path of media, in one of two forms, and in the query of the player. Of private
live streams, the documentation gives neither form, so the URLs of the record decide
(service.md#other-private-assets):

- ``…/token/{token}/…``: the session is at ``…/token/{token}/session``.
- ``…/private/{token}/{id}…``: the session is at ``…/private/{token}/{id}/session``.
- ``?token={token}`` in the URL of the player only: the session is at the place of the two forms
  above, the first for ``/vod/{id}`` and the second for ``/live/{id}``.
"""

import re
from typing import Any, Generic, TypeVar
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit, urlunsplit

import attrs
from attrs import field, frozen

from ..errors import ConfigurationError
from ..models import LiveStreamAssets, VideoAssets

__all__ = ["AssetsT", "PrivateSession", "player_root", "session_address"]

AssetsT = TypeVar("AssetsT", VideoAssets, LiveStreamAssets)

_MEDIA = ("hls", "mp4", "thumbnail")
# The paths end at the part to which ``/session`` is added.
_TOKEN_PATH = re.compile(r".*/token/[^/]+")
_PRIVATE_PATH = re.compile(r".*/private/[^/]+/[^/.]+")
_PLAYER_PATH = re.compile(r"(?P<root>.*/)(?P<kind>vod|live)/(?P<id>[^/]+)(?:/.*)?")
_IFRAME_ADDRESS = re.compile(r"""(\bsrc=(["']))(.*?)(\2)""", re.IGNORECASE | re.DOTALL)


def player_root(base_url: str) -> str:
    """Return the URL of players, to which the id of a public video is added (service.md#assets).

    Servers other than api.video, such as an emulator, have their players on the host of the API.
    """
    parts = _split(base_url)
    if (parts.hostname or "").endswith(".api.video"):
        return "https://embed.api.video/vod/"
    return f"{base_url.rstrip('/')}/vod/"


def session_address(assets: VideoAssets | LiveStreamAssets | None) -> str:
    """Return the URL that opens a session. Raises ``ConfigurationError`` if there is no token."""
    media = [_split(getattr(assets, name, None)) for name in _MEDIA]
    for parts in media:
        for form in (_TOKEN_PATH, _PRIVATE_PATH):
            # Everything up to the token is kept, whatever the host: custom domains exist.
            if found := form.match(parts.path):
                return _session(parts, found[0])
    player = _split(getattr(assets, "player", None))
    token = parse_qs(player.query).get("token", [""])[0]
    item = _PLAYER_PATH.fullmatch(player.path)
    if not token or item is None:
        raise ConfigurationError("the assets contain no token: is the item public, or discarded?")
    root, kind, name, token = item["root"], item["kind"], item["id"], quote(token, safe="")
    path = f"{root}vod/{name}/token/{token}" if kind == "vod" else f"{root}private/{token}/{name}"
    # The host of the player has no sessions. That of the media has, and is ``vod.…`` or ``live.…``
    # if the host of the player is ``embed.…``.
    host = next((parts for parts in media if parts.netloc), None) or player._replace(
        netloc=re.sub(r"^embed\.", f"{kind}.", player.netloc)
    )
    return _session(host, path)


def _split(address: str | None) -> SplitResult:
    try:
        return urlsplit(address or "")
    except ValueError:
        # ``urllib`` refuses, for example, an unclosed bracket in the host.
        raise ConfigurationError("an address of the assets is not a URL") from None


def _session(host: SplitResult, path: str) -> str:
    return urlunsplit((host.scheme, host.netloc, f"{path}/session", "", ""))


@frozen
class PrivateSession(Generic[AssetsT]):
    """An open session. Its token gives access to the item, so ``repr`` shows no field."""

    token: str = field(repr=False)
    """The session token, which is sent as ``avh``."""
    item_assets: AssetsT = field(repr=False)
    """The assets from the record of the video or live stream."""

    def url(self, address: str) -> str:
        """Return the URL of an asset with the session token added, or replaced if it has one.

        Raises ``ConfigurationError`` if ``address`` is not a URL.
        """
        parts = _split(address)
        # The other parameters are kept as they are, because they may be signed.
        kept: list[str] = [
            one for one in parts.query.split("&") if one and not one.startswith("avh=")
        ]
        query = "&".join([*kept, urlencode({"avh": self.token})])
        return urlunsplit(parts._replace(query=query))

    @property
    def assets(self) -> AssetsT:
        """The assets, each with the session token.

        ``iframe`` is HTML that embeds the player with the session token in its URL.
        """
        given = {name: getattr(self.item_assets, name, None) for name in (*_MEDIA, "player")}
        signed: dict[str, Any] = {
            name: self.url(address) for name, address in given.items() if address
        }
        if self.item_assets.iframe:
            signed["iframe"] = _IFRAME_ADDRESS.sub(self._signed_source, self.item_assets.iframe)
        return attrs.evolve(self.item_assets, **signed)

    def _signed_source(self, found: re.Match[str]) -> str:
        start, _, address, end = found.groups()
        # In HTML, the ``&`` of a URL is ``&amp;``. ``html.unescape`` would also change a parameter
        # after a plain ``&`` that begins like an entity, such as ``&copy=1``.
        return start + self.url(address.replace("&amp;", "&")).replace("&", "&amp;") + end
