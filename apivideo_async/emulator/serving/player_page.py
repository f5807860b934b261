"""The player page of a video: title, captions, chapters and theme (service.md#player-page)."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from ..operations import Call
from ..pages.rendering import html_response
from ..rules.payloads import caption_language
from ..state.records import PLAYER_COLOURS, PLAYER_SWITCHES, Player
from ..state.video import Video
from .delivery import viewer_session

__all__ = ["player"]

# Other pages may embed the player, so there is no rule for frame ancestors.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; base-uri 'none'; form-action 'none'"
)


async def player(call: Call) -> web.StreamResponse:
    """Send the page. The token of a private video is used up (service.md#private-sessions)."""
    token = call.request.query.get("token")
    video = call.video()
    session = viewer_session(call, video, "videoId", token)
    base, query = f"/vod/{video.id}", ""
    if session is not None:
        # The page loads the other assets with the session.
        base, query = f"{base}/token/{token}", f"?avh={session}"
    theme = call.state.players.get(str(video.attributes.get("playerId")))
    return html_response(
        "player.html",
        _POLICY,
        title=str(video.attributes["title"]),
        media=f"{base}/hls/media.mp4{query}",
        poster=f"{base}/thumbnail.jpg{query}",
        tracks=list(_tracks(video, base, query)),
        theme=_settings(theme),
        logo=f"/player/{theme.id}/logo.png" if theme and theme.logo else None,
        logo_link=_web_address(theme.logo_link) if theme else None,
    )


def _settings(theme: Player | None) -> dict[str, Any]:
    given = {} if theme is None else theme.attributes
    return {
        name: given.get(name, default)
        for name, default in {**PLAYER_COLOURS, **PLAYER_SWITCHES}.items()
    }


def _tracks(video: Video, base: str, query: str) -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield kind, language, label, address, and whether the track is shown at first."""
    for track in video.captions.values():
        address = f"{base}/captions/{track.language}.vtt{query}"
        yield "captions", track.language, caption_language(track.language), address, track.default
    for track in video.chapters.values():
        address = f"{base}/chapters/{track.language}.vtt{query}"
        yield "chapters", track.language, track.language, address, False


def _web_address(link: str | None) -> str | None:
    """Return the link of a logo. It may be any text, also a script, which gives None."""
    return link if link is not None and link.startswith(("http://", "https://")) else None
