"""The arguments of ``apivideo upload``, and the outcome of each file."""

from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from ....config import UploadOptions
from ....models import Video, to_json
from ...console.formatting import printable, shortened
from ...crud.columns import named_columns
from ...crud.output import Output
from ...limit_rate import RateSchedule

__all__ = ["COLUMNS", "STDIN", "Outcome", "UploadRequest"]

COLUMNS = named_columns(
    ("file", "status", "videoId", "title", "public", "assets", "error", "seconds", "bytes"),
    ["assets"],
)
"""Columns of the records."""
STDIN = "-"
SHORTEST_TITLE = 12
"""Columns. A title is not shortened further than this."""


@frozen(kw_only=True)
class UploadRequest:
    """The arguments and options of one command line."""

    files: tuple[str, ...]
    options: UploadOptions
    fields: dict[str, Any]
    title: str | None
    video_id: str | None
    token: str | None = field(repr=False)
    resume: bool | None
    """None: continue an interrupted upload if the file has not changed since."""
    wait: bool
    timeout: float
    limit_rate: RateSchedule | None
    output: Output

    def label(self, file: str) -> str:
        """Return the name of a file for the display: its path if the file name is not unique."""
        if file == STDIN:
            return "stdin"
        names = [Path(other).name or other for other in self.files if other != STDIN]
        short = Path(file).name or file
        return printable(short if names.count(short) == 1 else file)


@define
class Outcome:
    """The outcome of one file."""

    file: str
    video: Video | None = None
    video_id: str | None = None
    """The id of the container, even if the upload failed."""
    error: str | None = None
    """A message. An uploaded video that did not become playable in time has one, too."""
    seconds: float = 0.0
    bytes: int | None = None

    def line(self, width: int | None = None) -> str:
        """Return a line with video id, title and URL of the player.

        Tabs separate the fields, for programs. With ``width`` (columns of the screen) spaces
        separate them, and the title is shortened if the line then fits.
        """
        video = self.video or Video()
        player = (video.assets.player if video.assets else None) or ""
        title = printable(video.title or "")
        columns = (width or 0) - len(video.video_id) - len(player) - 3
        if columns >= SHORTEST_TITLE:
            title = shortened(title, columns)
        return ("\t" if width is None else " ").join(
            text for text in (video.video_id, title, printable(player)) if text
        )

    def record(self) -> dict[str, Any]:
        """Return the object for JSON and CSV."""
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
