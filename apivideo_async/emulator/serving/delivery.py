"""URLs, access and responses of the delivery hosts (service.md#private-videos).

The documentation describes the URLs of private videos. Those of private live streams and of private
players are known from the vendor's session library only (service.md#other-private-assets).
The quirk ``private-urls`` selects the forms of that library.
"""

import struct
import zlib
from collections.abc import Iterable

from aiohttp import web

from ..operations import Call, json_response
from ..rules.problems import not_found
from ..state.items import StoredFile
from ..state.records import LiveStream
from ..state.video import Video

__all__ = [
    "asset_base",
    "manifest_response",
    "new_token",
    "player_urls",
    "session_response",
    "thumbnail_response",
    "vendor_urls",
    "viewer_session",
]

_IFRAME = (
    '<iframe src="{}" width="100%" height="100%" frameborder="0" scrolling="no" '
    'allowfullscreen="true"></iframe>'
)
# Size of grey pictures in pixels.
_WIDTH = 32
_HEIGHT = 18


def vendor_urls(call: Call) -> bool:
    """Return whether the URLs are those of the vendor's session library."""
    return "private-urls" in call.state.settings.quirks


def new_token(call: Call, item: Video | LiveStream) -> str | None:
    """Return a new one-time token, None for a public item."""
    return None if item.public else call.state.private_sessions.new_token(item.id)


def asset_base(call: Call, root: str, item: Video | LiveStream, token: str | None) -> str:
    """Return the base URL of an item's assets, with the token in the path if there is one."""
    base = f"{call.request.url.origin()}{root}/{item.id}"
    return base if token is None else f"{base}/token/{token}"


def player_urls(address: str, token: str | None) -> dict[str, str]:
    """Return the URL of the player, with the token in the query, and the HTML that embeds it."""
    player = address if token is None else f"{address}?token={token}"
    return {"iframe": _IFRAME.format(player), "player": player}


def viewer_session(
    call: Call, item: Video | LiveStream, parameter: str, token: str | None
) -> str | None:
    """Return the session, None for a public item. Raises a refusal (404) of ``parameter``."""
    if item.public:
        return None
    session = None
    if token is not None:
        given = call.request.query.get("avh")
        session = call.state.private_sessions.authorize(item.id, token, given, call.state.now)
    if session is None:
        raise not_found(parameter)
    return session


def session_response(call: Call, item: Video | LiveStream, parameter: str) -> web.Response:
    """Exchange a private token for a session. Raises a refusal (404) for a used token."""
    state = call.state
    session = state.private_sessions.open_session(item.id, call.parameter("token"), state.now)
    if session is None:
        raise not_found(parameter)
    return json_response({"session_token": session})


def manifest_response(lines: Iterable[str]) -> web.Response:
    text = "\n".join(["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", *lines])
    return web.Response(text=text + "\n", content_type="application/vnd.apple.mpegurl")


def thumbnail_response(picture: StoredFile | None, moment: str = "") -> web.Response:
    """Return the uploaded picture. Without one, return a grey picture in place of a frame."""
    body, content_type = picture or (_grey_picture(moment), "image/png")
    return web.Response(body=body, content_type=content_type)


def _grey_picture(moment: str) -> bytes:
    """Return a PNG. Its grey level depends on ``moment``, so that tests can tell moments apart."""
    grey = 0x40 + zlib.crc32(moment.encode()) % 0x80
    # Bit depth 8, colour type 0 (greyscale). Each row starts with the filter byte 0.
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * _WIDTH) * _HEIGHT
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    # Length of the data, type, data, and the checksum of type and data.
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
