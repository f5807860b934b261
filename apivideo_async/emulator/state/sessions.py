"""Tokens and sessions of private videos: a token works once and opens a session (service.md#private-sessions)."""

from __future__ import annotations

from ..rules.identifiers import Identifiers

SESSION_SECONDS = 24 * 3600.0


class PrivateAccess:
    """Which tokens were handed out and not used yet, and which sessions are open. Time is an argument."""

    def __init__(self, ids: Identifiers) -> None:
        self._ids = ids
        self._tokens: dict[str, tuple[str, bool]] = {}
        self._sessions: dict[str, tuple[str, float]] = {}

    def new_token(self, video_id: str) -> str:
        """Return a token for one retrieval of a private video."""
        token = self._ids.uuid("private-token")
        self._tokens[token] = (video_id, False)
        return token

    def open_session(self, video_id: str, token: str, now: float) -> str | None:
        """Use a token up; the answer is the session that it opens, None when it was used already."""
        if self._tokens.get(token) != (video_id, False):
            return None
        self._tokens[token] = (video_id, True)
        session = self._ids.uuid("session")
        self._sessions[session] = (video_id, now + SESSION_SECONDS)
        return session

    def admits(self, video_id: str, token: str, session: str | None, now: float) -> str | None:
        """Return the session under which an asset is served, None when it must not be.

        An open session serves any number of assets; without one the token is used up.
        """
        if session is None:
            return self.open_session(video_id, token, now)
        owner, expires = self._sessions.get(session, ("", 0.0))
        known = self._tokens.get(token, ("", True))[0] == video_id
        return session if known and owner == video_id and now < expires else None
