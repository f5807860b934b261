"""The videos that a client created a short time ago, and that may not be readable yet.

Nothing in the documentation says that a new video can be read at once (service.md#open-questions).
A 404 for a video that this client has just created may therefore be premature. Such a request is
repeated, with increasing delays, until the video is ``settle`` seconds old. Once a request has
succeeded, a later 404 of the same request is final.
"""

from math import inf

from attrs import define, field

from ..protocol.request import Request, path_for
from ..protocol.retry import settle_delay

__all__ = ["RecentVideos"]

LARGEST = 1000
"""Number of videos that are kept; the oldest are dropped."""
REPEATED = ("", "/status", "/source", "/thumbnail")
"""The paths below a video for which 404 means that the video is missing. For others, such as the
captions of a language, the object below the video may be missing."""


@define
class _New:
    created: float
    """Time of the creation, by the clock of the event loop; ``-inf`` after its deletion."""
    answered: set[tuple[str, str]] = field(factory=set)
    """Method and path of the requests that have succeeded."""


@define(eq=False)
class RecentVideos:
    """Says which 404 responses may be premature. ``now`` is the time of the event loop."""

    _new: dict[str, _New] = field(factory=dict, init=False)
    """By path."""

    def add(self, video_id: str, created: float) -> None:
        """Note the creation of a video. Later calls for the same video have no effect."""
        path = path_for("/videos/{video_id}", video_id=video_id)
        if path not in self._new:
            self._set(path, _New(created))

    def repeat_after(
        self, request: Request, status: int, settle: float, now: float
    ) -> float | None:
        """Record a response. Return the seconds until its request is repeated; None: never."""
        path = "/".join(request.path.split("/", 3)[:3])
        if request.method == "DELETE" and request.path == path and 200 <= status < 300:
            self._set(path, _New(-inf))
        new = self._new.get(path)
        if new is None:
            return None
        if status == 404:
            final = (request.method, request.path) in new.answered
            if final or request.path.removeprefix(path) not in REPEATED:
                return None
            return settle_delay(settle, now - new.created)
        if 200 <= status < 300:
            new.answered.add((request.method, request.path))
        return None

    def _set(self, path: str, new: _New) -> None:
        self._new[path] = new
        if len(self._new) > LARGEST:
            del self._new[next(iter(self._new))]
