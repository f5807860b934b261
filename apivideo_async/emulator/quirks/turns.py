"""The quirk ``one-chunk-at-a-time``: the turn of one upload request of a video."""

from types import TracebackType
from typing import Self

from attrs import define

from ..state.video import Video
from .quirk_set import QuirkSet
from .upload_rules import refused_turn

__all__ = ["Turn"]


@define(eq=False)
class Turn:
    """An asynchronous context, at the end of which the next request has its turn."""

    _quirks: QuirkSet
    _video: Video | None = None

    async def take(self, video: Video) -> None:
        """Wait for the turn, or raise a refusal if another request of the video has it."""
        status = self._quirks.choice("one-chunk-at-a-time")
        if status is None or self._video is not None:
            return
        if status != "wait" and video.receiving.locked():
            raise refused_turn(status)
        await video.receiving.acquire()
        self._video = video

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._video is not None:
            self._video.receiving.release()
