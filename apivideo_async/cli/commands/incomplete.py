"""Containers that interrupted uploads left: how they are found, and ``apivideo videos prune``."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from attrs import frozen

from ...client import ApiVideoClient
from ...config import RetryPolicy
from ...errors import NotFoundError
from ...models import Video, VideoStatus, to_json
from ...uploads.content import content_of
from ..console.formatting import bytes_text
from ..console.terminal import columns
from ..crud.bulk import delete_object
from ..crud.columns import named_columns
from ..crud.formatting import local_time
from ..crud.object_type import ObjectType
from ..crud.output import Output, Writer, take_output, with_output
from ..crud.selection import confirm
from ..examples import examples
from ..parameters import DURATION
from ..running import run
from ..session import Session, connect

__all__ = ["Container", "find_incomplete", "prune_command"]

COLUMNS = named_columns(("videoId", "title", "createdAt", "ingest", "deleted"), ["ingest"])
EXAMPLES = examples(
    "apivideo videos prune --incomplete --older-than 7d --dry-run",
    "apivideo videos prune --incomplete --older-than 7d --yes",
)
CONCURRENT_STATUSES = 8
"""Statuses requested at once. Requests wait for their budget in the client."""
BATCH = 100


@frozen
class Container:
    """A video that is not complete: created, but never filled, or filled in part."""

    video: Video
    status: VideoStatus

    @property
    def received(self) -> str:
        """How much of the file arrived, as text."""
        ingest = self.status.ingest
        if ingest is None:
            return "empty"
        if ingest.received_parts is not None and ingest.received_parts.parts:
            parts = ingest.received_parts
            return f"{len(parts.parts)} of {parts.total or '?'} parts"
        # The bounds are inclusive.
        amount = sum((piece.to or 0) - (piece.from_ or 0) + 1 for piece in ingest.received_bytes)
        total = next((piece.total for piece in ingest.received_bytes if piece.total), None)
        return f"{bytes_text(amount)} of {bytes_text(total) if total else '?'}"

    def record(self, *, deleted: bool) -> dict[str, Any]:
        """Return the object for ``--json``."""
        ingest = self.status.ingest
        return {
            "videoId": self.video.video_id,
            "title": self.video.title,
            "createdAt": to_json(self.video).get("createdAt"),
            "ingest": None if ingest is None else to_json(ingest),
            "deleted": deleted,
        }


async def find_incomplete(
    client: ApiVideoClient, videos: AsyncIterator[Video]
) -> AsyncIterator[Container]:
    """Yield the videos whose upload is not complete, in the given order.

    This needs one request for the status of each video. A video that api.video fetches or copies is
    not listed, nor is one whose status is unclear. Raises the errors of ``videos.get_status``.
    """
    limit = asyncio.Semaphore(CONCURRENT_STATUSES)

    async def inspect(video: Video) -> Container | None:
        async with limit:
            return await _container(client, video)

    batch: list[Video] = []
    async for video in videos:
        batch.append(video)
        if len(batch) == BATCH:
            for found in await asyncio.gather(*map(inspect, batch)):
                if found is not None:
                    yield found
            batch = []
    for found in await asyncio.gather(*map(inspect, batch)):
        if found is not None:
            yield found


async def _container(client: ApiVideoClient, video: Video) -> Container | None:
    try:
        status = await client.videos.get_status(video.video_id)
    except NotFoundError:
        return None  # It was deleted since it was listed.
    return Container(video, status) if content_of(status).state in ("empty", "uploading") else None


def prune_command(kind: ObjectType) -> click.Command:
    """Make the command that deletes incomplete videos. ``kind`` describes videos."""

    @click.command(name="prune", epilog=EXAMPLES)
    @click.option(
        "--incomplete",
        is_flag=True,
        help="Delete videos whose upload was interrupted. Required, as nothing else can be pruned.",
    )
    @click.option(
        "--older-than",
        type=DURATION,
        default="1d",
        help="Only videos created this long ago, such as 12h or 7d. An upload in progress looks "
        "like an interrupted one, so choose more than your longest upload takes.",
    )
    @click.option("--dry-run", is_flag=True, help="Show the videos. Nothing is deleted.")
    @click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
    @with_output(COLUMNS)
    @click.pass_obj
    def command(
        session: Session,
        /,
        incomplete: bool,
        older_than: int,
        dry_run: bool,
        yes: bool,
        **given: Any,
    ) -> int:
        """Delete the videos that interrupted uploads left, token uploads included.

        The videos are shown first, and deleted after a confirmation. The status of each is checked
        again before its deletion. This takes one read request for each video of the account.
        """
        output = take_output(given)
        if not incomplete:
            raise click.UsageError("name what to delete: --incomplete")
        pruning = _Pruning(session, kind, timedelta(seconds=older_than))
        code = run(session.terminal, pruning.find(), "interrupted; nothing was deleted")
        if not pruning.found or dry_run:
            pruning.write(output)
            return code
        pruning.preview()
        count = len(pruning.found)
        objects = f"these {count} incomplete videos" if count > 1 else "this incomplete video"
        if not yes and not confirm(session.terminal, f"Delete {objects}?", "deletion"):
            session.terminal.fail("nothing was deleted")
            return 1
        message = "interrupted: the videos not named above are still there"
        code = run(session.terminal, pruning.delete(quiet=not output.plain), message)
        if not output.plain:
            pruning.write(output)
        return code

    return command


class _Pruning:
    """One run of the command."""

    def __init__(self, session: Session, kind: ObjectType, age: timedelta) -> None:
        self._session = session
        self._terminal = session.terminal
        self._kind = kind
        self._age = age
        self._deleted: set[str] = set()
        self.found: list[Container] = []

    async def find(self) -> int:
        limit = datetime.now(UTC) - self._age

        async def old(client: ApiVideoClient) -> AsyncIterator[Video]:
            async for video in client.videos.list(page_size=100):
                # The age of a video without a date is unknown, so it is kept.
                if video.created_at is not None and video.created_at <= limit:
                    yield video

        async with self._connected() as client:
            self.found = [each async for each in find_incomplete(client, old(client))]
        return 0

    def _connected(self) -> Any:
        return connect(self._session.settings)

    def _lines(self) -> list[str]:
        return [
            columns(
                each.video.video_id,
                local_time(each.video.created_at),
                each.received,
                each.video.title or "",
            )
            for each in self.found
        ]

    def write(self, output: Output) -> None:
        """Write the result."""
        if output != Output():
            Writer(self._terminal, output, COLUMNS, done=True).add_all(
                each.record(deleted=each.video.video_id in self._deleted) for each in self.found
            )
        elif not self.found:
            self._terminal.say("no incomplete videos of this age")
        else:
            for line in self._lines():
                self._terminal.report(line)

    def preview(self) -> None:
        """Show the videos on the standard error, above the question."""
        for line in self._lines():
            self._terminal.say(line.replace("\t", "  "))

    async def delete(self, *, quiet: bool) -> int:
        """Delete the videos that have not changed. Return the exit code."""
        failures = 0
        async with self._connected() as connected:
            client = connected.with_options(retry=RetryPolicy())
            for each in self.found:
                video_id = each.video.video_id
                now = await _container(client, each.video)
                if now is None or now.status.ingest != each.status.ingest:
                    self._terminal.note(f"{video_id} is kept: it has changed since it was listed")
                elif await delete_object(
                    self._session, client, self._kind, [video_id], missing_ok=True, quiet=quiet
                ):
                    self._deleted.add(video_id)
                else:
                    failures += 1
        return 1 if failures else 0
