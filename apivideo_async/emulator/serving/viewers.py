"""Access of viewers to assets: public items are open, private ones need a token or a session.

See service.md#private-videos.
"""

from __future__ import annotations

from ..operations import Call
from ..rules.problems import not_found

_IFRAME = '<iframe src="{}" width="100%" height="100%" frameborder="0" scrolling="no" allowfullscreen="true"></iframe>'


def asset_base(call: Call, root: str, key: str, *, public: bool) -> str:
    """Return the base URL of an item's assets.

    For a private item it contains a new one-time token.
    """
    base = f"{call.request.url.origin()}{root}"
    return base if public else f"{base}/token/{call.state.private_sessions.new_token(key)}"


def player_url(base: str, end: str = "") -> str:
    """Return the URL of the player, with the token in the query."""
    # ``asset_base`` puts the token at the end of the path of a private item.
    root, _, token = base.partition("/token/")
    return f"{root}{end}?token={token}" if token else f"{root}{end}"


def viewer_session(
    call: Call, key: str, parameter: str, *, public: bool, token: str | None
) -> str | None:
    """Return the session of the viewer, or None for a public item.

    Raises a refusal (404) if the token is unknown or was already used, or if the session in ``avh``
    is wrong or has expired.
    """
    if public:
        return None
    given = call.request.query.get("avh")
    sessions = call.state.private_sessions
    session = None if token is None else sessions.authorize(key, token, given, call.state.now)
    if session is None:
        raise not_found(parameter)
    return session


def iframe(player: str) -> str:
    """Return the HTML that embeds a player."""
    return _IFRAME.format(player)
