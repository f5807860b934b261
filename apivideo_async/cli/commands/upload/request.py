"""What ``apivideo upload`` was asked, and what became of each file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from ....config import UploadOptions
from ....models import Video, to_json
from ...console.formatting import printable, shortened

__all__ = ["STDIN", "Outcome", "UploadRequest", "json_document"]

STDIN = "-"
SHORT_TITLE = 12


@frozen(kw_only=True)
class UploadRequest:
    """The arguments and options."""

    files: tuple[str, ...]
    options: UploadOptions
    fields: dict[str, Any]
    title: str | None
    video_id: str | None
    token: str | None = field(repr=False)
    resume: bool
    wait: bool
    timeout: float
    as_json: bool

    def label(self, file: str) -> str:
        """Name a file on the screen: the shortest name that no other file of this command has."""
        if file == STDIN:
            return "stdin"
        short = Path(file).name or file
        same = [other for other in self.files if other != STDIN and (Path(other).name or other) == short]
        return printable(short if len(same) == 1 else file)


@define
class Outcome:
    """One file at the end."""

    file: str
    video: Video | None = None
    video_id: str | None = None
    """The container, even when the upload did not end well."""
    error: str | None = None
    """A line for people; an uploaded video that is not playable in time has one, too."""
    seconds: float = 0.0
    bytes: int | None = None

    def line(self, width: int | None = None) -> str:
        """``vi… title player-url``: with tabs for a program; for a screen the title is cut when that makes it fit."""
        video = self.video or Video()
        player = (video.assets.player if video.assets else None) or ""
        title = printable(video.title or "")
        room = (width or 0) - len(video.video_id) - len(player) - 3
        title = shortened(title, room) if room >= SHORT_TITLE else title
        return ("\t" if width is None else " ").join(
            text for text in (video.video_id, title, printable(player)) if text
        )

    def record(self) -> dict[str, Any]:
        """The object of ``--json``."""
        video = self.video or Video()
        return {
            "file": self.file,
            "status": "uploaded" if self.video is not None else "failed",
            "videoId": video.video_id or self.video_id,
            "title": video.title,
            "public": video.public,
            "assets": to_json(video.assets) if video.assets else None,
            "error": self.error,
            "seconds": round(self.seconds, 3),
            "bytes": self.bytes,
        }


def json_document(outcomes: Iterable[Outcome]) -> str:
    """All files as one JSON list."""
    return json.dumps([outcome.record() for outcome in outcomes], indent=2, ensure_ascii=False)
