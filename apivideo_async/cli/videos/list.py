"""``apivideo videos list``."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...config import UNSET
from ...models import Video
from ..amounts import printable
from ..connection import connect
from ..parameters import MetadataPair
from ..running import run
from ..session import Session
from .shown import as_json, moment

__all__ = ["command"]

LARGEST_PAGE = 100
GAP = 2
DATE, PUBLIC = "2026-12-31 23:59", "public"


@click.command(name="list")
@click.option("--title", help="A part of the title.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Every tag given must be there; repeat for more.")
@click.option("--metadata", multiple=True, type=MetadataPair(), help="Every pair given must be there.")
@click.option("--sort-by", type=click.Choice(["title", "createdAt", "publishedAt", "updatedAt"]))
@click.option("--sort-order", type=click.Choice(["asc", "desc"]))
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Videos at most.")
@click.option("--json", "as_document", is_flag=True, help="One JSON list.")
@click.option("--jsonl", "as_lines", is_flag=True, help="One JSON object a line, as they come.")
@click.pass_obj
def command(session: Session, /, limit: int, as_document: bool, as_lines: bool, **filters: Any) -> int:
    """List videos: a table on a terminal, lines with tabs in a pipe."""
    if as_document and as_lines:
        raise click.UsageError("--json and --jsonl exclude each other")
    given: dict[str, Any] = {name: value or UNSET for name, value in filters.items()}
    given["metadata"] = dict(filters["metadata"]) or UNSET
    listing = _Listing(session, given, limit)

    async def work() -> int:
        if as_lines:
            async for video in listing.videos():
                session.terminal.result(as_json(video, indent=None))
        else:
            videos = [video async for video in listing.videos()]
            session.terminal.result(as_json(videos)) if as_document else _show(session, videos)
        if listing.more:
            session.terminal.say(f"{listing.more} more: raise --limit to see them")
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


class _Listing:
    def __init__(self, session: Session, filters: dict[str, Any], limit: int) -> None:
        self._session = session
        self._filters = filters
        self._limit = limit
        self.more = 0

    async def videos(self) -> AsyncIterator[Video]:
        """Give up to ``limit`` videos and count what was left out."""
        given = 0
        async with connect(self._session.settings) as client:
            size = min(LARGEST_PAGE, self._limit)
            paginator = client.videos.list(page_size=size, prefetch=0, **self._filters)
            async for page in paginator.pages():
                for video in page.data[: self._limit - given]:
                    given += 1
                    yield video
                if given >= self._limit:
                    self.more = max(0, (page.pagination.items_total or given) - given)
                    return


def _show(session: Session, videos: list[Video]) -> None:
    if not sys.stdout.isatty():
        session.terminal.results(
            "\t".join(printable(text) for text in (video.video_id, video.title or "", moment(video.created_at)))
            for video in videos
        )
    elif not videos:
        session.terminal.say("no videos")
    else:
        console = Console(highlight=False, emoji=False, markup=False)
        console.print(_table(videos, console.width))


def _table(videos: list[Video], width: int) -> Table:
    """Fit the screen: titles and tags are cut, ids never."""
    id_width = max(len(video.video_id) for video in videos)
    tags_width = min(16, max(len(", ".join(video.tags)) for video in videos))
    title_width = max(10, width - id_width - len(DATE) - len(PUBLIC) - tags_width - 4 * GAP - 1)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    columns = {"id": id_width, "title": title_width, "created": len(DATE), PUBLIC: len(PUBLIC), "tags": tags_width}
    for name, most in columns.items():
        table.add_column(name if most else "", no_wrap=True, overflow="ellipsis", max_width=most)
    for video in videos:
        public = "no" if video.public is False else "yes"
        created = moment(video.created_at)[: len(DATE)]
        cells = (video.video_id, video.title or "", created, public, ", ".join(video.tags))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
