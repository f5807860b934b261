"""Tokens and sessions of private items: a token works once and opens a session.

See service.md#private-sessions.
"""

from __future__ import annotations

from ..rules.identifiers import Identifiers

SESSION_SECONDS = 24 * 3600.0


class PrivateAccess:
    """The issued tokens and the open sessions.

    Time is an argument, in seconds of a monotonic clock.
    """

    def __init__(self, ids: Identifiers) -> None:
        self._ids = ids
        # The item of each token, and whether the token was used.
        self._tokens: dict[str, tuple[str, bool]] = {}
        # The item and the expiry of each session.
        self._sessions: dict[str, tuple[str, float]] = {}

    def new_token(self, video_id: str) -> str:
        """Return a token for one retrieval of a private item."""
        token = self._ids.uuid("private-token")
        self._tokens[token] = (video_id, False)
        return token

    def open_session(self, video_id: str, token: str, now: float) -> str | None:
        """Use a token and return the session that it opens.

        Returns None if the token is unknown, was used already or belongs to another item.
        """
        if self._tokens.get(token) != (video_id, False):
            return None
        self._tokens[token] = (video_id, True)
        session = self._ids.uuid("session")
        self._sessions[session] = (video_id, now + SESSION_SECONDS)
        return session

    def admits(self, video_id: str, token: str, session: str | None, now: float) -> str | None:
        """Return the session under which an asset is served, or None if access is refused.

        An open session gives access to any number of assets. Without a session the token is used.
        """
        if session is None:
            return self.open_session(video_id, token, now)
        owner, expires = self._sessions.get(session, ("", 0.0))
        # With a session the token may be a used one, but it must belong to the same item.
        known = self._tokens.get(token, ("", True))[0] == video_id
        return session if known and owner == video_id and now < expires else None
