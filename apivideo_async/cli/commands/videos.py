"""The commands ``apivideo videos``."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import click
from attrs import evolve

from ...client import ApiVideoClient
from ...config import RetryPolicy
from ...models import Video, VideoStatus
from ..console.formatting import bytes_text
from ..console.messages import explain
from ..console.terminal import columns
from ..crud.bulk import call_each, delete_command, update_command
from ..crud.commands import FILE, call_command
from ..crud.formatting import label, local_time, value_text
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..crud.output import take_output, with_output
from ..crud.selection import Query
from ..examples import examples
from ..groups import Group
from ..parameters import DURATION, Ids, read_ids
from ..running import run
from ..session import Session, connect
from .incomplete import find_incomplete, prune_command
from .options import VIDEO_FIELDS, metadata_filter

__all__ = ["VIDEO", "command"]


def _video_fields(video: Video) -> Iterator[tuple[str, object]]:
    yield "id", video.video_id
    yield "title", video.title
    yield "description", video.description
    for name in ("created_at", "published_at", "updated_at", "discarded_at", "deletes_at"):
        yield label(name), local_time(getattr(video, name))
    for name in ("public", "tags", "metadata", "language"):
        yield name, value_text(getattr(video, name))
    yield "player theme", video.player_id
    for name in ("player", "hls", "mp4", "thumbnail"):
        yield name, getattr(video.assets, name, None)


def _status_fields(status: VideoStatus) -> Iterator[tuple[str, object]]:
    ingest, encoding = status.ingest, status.encoding
    yield "ingest", (ingest.status if ingest is not None else None) or "nothing received yet"
    if ingest is not None:
        # The bounds of a range of received bytes are inclusive.
        received = sum((piece.to or 0) - (piece.from_ or 0) + 1 for piece in ingest.received_bytes)
        yield "received", bytes_text(received) if received else None
        parts = ingest.received_parts
        if parts is not None and parts.parts:
            yield "parts", f"{len(parts.parts)} of {parts.total or '?'}"
        yield "size", bytes_text(ingest.filesize) if ingest.filesize is not None else None
    yield "playable", value_text(status.playable)
    for quality in encoding.qualities if encoding is not None else []:
        yield f"{quality.type} {quality.quality}", quality.status


VIDEO = ObjectType(
    singular="video",
    plural="videos",
    model=Video,
    section="videos",
    group="videos",
    example_ids="vi123",
    columns=("video_id", "title", "created_at", "public", "tags"),
    shrinkable=("title", "tags"),
    fields=_video_fields,
)
DISCARDED = evolve(
    VIDEO,
    plural="discarded videos",
    columns=("video_id", "title", "discarded_at", "deletes_at"),
    shrinkable=("title",),
)
STATUS = evolve(VIDEO, model=VideoStatus, fields=_status_fields)
ID = VIDEO.id_arguments()

FILTERS: list[click.Option] = [
    click.Option(["--title"], help="Only videos whose title contains this text."),
    click.Option(["--description"], help="Only videos whose description contains this text."),
    click.Option(
        ["--tag", "tags"],
        multiple=True,
        metavar="TAG",
        help="Only videos with this tag; repeat to require several tags.",
    ),
    metadata_filter("videos"),
    click.Option(["--live-stream-id"], metavar="ID", help="Only recordings of this live stream."),
]
SORTING = sorting("title", "createdAt", "publishedAt", "updatedAt")


def _matches(video: Video, filters: Mapping[str, Any]) -> bool:
    """Return whether a video has what the filters of a list require."""
    for name in ("title", "description"):
        text: str = getattr(video, name) or ""
        if filters.get(name, "").casefold() not in text.casefold():
            return False
    live_stream = video.source.live_stream if video.source is not None else None
    recorded = live_stream.live_stream_id if live_stream is not None else None
    return (
        {*filters.get("tags", ())} <= {*video.tags}
        and filters.get("metadata", {}).items() <= video.metadata.items()
        and filters.get("live_stream_id", recorded) == recorded
    )


QUERY = Query(tuple(FILTERS), _matches)


INCOMPLETE = click.Option(
    ["--incomplete"],
    is_flag=True,
    help="Only videos whose upload was interrupted or is in progress. This takes one more request "
    "for each video of the account.",
)


async def _incomplete(client: ApiVideoClient, videos: AsyncIterator[Video]) -> AsyncIterator[Video]:
    async for each in find_incomplete(client, videos):
        yield each.video


@click.command(
    name="show",
    epilog=examples(
        VIDEO.example("show"),
        VIDEO.example("show", "--columns title,assets.player"),
        "apivideo videos list --tag new --ids | apivideo videos show - --output csv",
    ),
)
@click.argument("video_ids", nargs=-1, required=True, metavar="ID...", callback=read_ids)
@click.option("--discarded", is_flag=True, help="Show a deleted video that can be restored.")
@with_output(VIDEO.known())
@click.pass_obj
def show(session: Session, /, video_ids: Ids, discarded: bool, **given: Any) -> int:
    """Show videos.

    ID - reads ids from the standard input.
    """
    method = "get_discarded" if discarded else "get"
    return call_each(
        session,
        VIDEO,
        video_ids,
        lambda client, video_id: VIDEO.call(client, method, video_id),
        take_output(given),
    )


@click.command(
    name="wait",
    epilog=examples(
        VIDEO.example("wait", "--timeout 10m"),
        "apivideo videos list --tag new --ids | apivideo videos wait -",
    ),
)
@click.argument("video_ids", nargs=-1, required=True, metavar="ID...", callback=read_ids)
@click.option("--timeout", type=DURATION, default="1h", metavar="DURATION", help="Longest wait.")
@click.option("--probe", is_flag=True, help="Also wait until the HLS manifest can be read.")
@click.pass_obj
def wait(session: Session, /, video_ids: tuple[str, ...], timeout: int, probe: bool) -> int:
    """Wait until videos can be watched, and print each when it is ready.

    ID - reads ids from the standard input. Exit code 1 if a video is not ready in time or cannot be
    encoded.
    """

    async def work() -> int:
        failures = 0
        async with connect(session.settings) as connected:
            await connected.videos.list(page_size=1).first()  # Shows that server and key are right.
            client = connected.with_options(retry=RetryPolicy())
            results = client.videos.wait_until_playable_many(
                video_ids, timeout=timeout, probe=probe
            )
            async for result in results:
                if result.error is None:
                    session.terminal.report(columns(result.video_id, "playable"))
                else:
                    failures += 1
                    reason = explain(result.error, session.base_url)
                    session.terminal.fail(reason, prefix=result.video_id)
        return 1 if failures else 0

    return run(session.terminal, work(), "interrupted: the other videos may not be ready")


EMPTY_VALUES: dict[str, Any] = {
    "description": "",
    "tags": [],
    "metadata": {},
    "player_id": None,
    "language": None,
}

command: click.Group = Group(
    "videos",
    help="Create, list, show, change, delete and restore videos.",
    no_args_is_help=True,
    epilog=examples(
        "apivideo videos list --tag trailer",
        "apivideo videos update --where-tag trailer --player-id pl123",
        "apivideo videos delete --tag old --dry-run",
    ),
    commands=[
        list_command(
            VIDEO,
            [*FILTERS, *SORTING, INCOMPLETE],
            choices={"incomplete": _incomplete},
            epilog=examples(
                "apivideo videos list --tag trailer --sort-by createdAt --sort-order desc",
                "apivideo videos list --output csv --columns id,title,metadata.lang",
                "apivideo videos list --tag old --ids | apivideo videos delete - --dry-run",
            ),
        ),
        show,
        wait,
        call_command(
            STATUS,
            "status",
            ID,
            method="get_status",
            summary="Show the received bytes of a video and the progress of its encoding.",
            epilog=examples(STATUS.example("status"), STATUS.example("status", "--json")),
        ),
        call_command(
            VIDEO,
            "create",
            [
                click.Option(["--title"], required=True, help="Title of the video."),
                click.Option(
                    ["--source"],
                    metavar="URL|ID",
                    help="URL from which api.video fetches the file, or id of a video to copy.",
                ),
                *VIDEO_FIELDS,
                click.Option(
                    ["--idempotency-key"],
                    metavar="KEY",
                    help="If a video was created with this key before, show it and create none.",
                ),
            ],
            summary="Create an empty video for a later upload, or a video from a URL. "
            "`apivideo upload` creates a video and uploads its file.",
            epilog=examples(
                "apivideo videos create --title Movie",
                "apivideo videos create --title Movie --source https://example.com/movie.mp4",
            ),
        ),
        update_command(
            VIDEO,
            [click.Option(["--title"], help="Title of the video."), *VIDEO_FIELDS],
            empty_values=EMPTY_VALUES,
            summary="Change the given fields. --tag and --metadata replace all existing tags and "
            "metadata pairs.",
            epilog=examples(
                VIDEO.example("update", "--title Movie --clear tags"),
                "apivideo videos update --where-tag draft --private --dry-run",
                "apivideo videos list --tag x --ids | apivideo videos update - --mp4 --yes",
            ),
            query=evolve(QUERY, prefix="where-"),
        ),
        delete_command(
            VIDEO,
            summary="Delete videos. They can be restored only if the account has Video Restore.",
            epilog=examples(
                VIDEO.example("delete"),
                "apivideo videos delete --tag old --metadata lang=fr --dry-run",
                "apivideo videos list --tag old --ids | apivideo videos delete - --yes",
            ),
            query=QUERY,
        ),
        prune_command(VIDEO),
        call_command(
            VIDEO,
            "upload-thumbnail",
            [*ID, FILE],
            summary="Set the thumbnail: a JPEG, PNG or WebP file of at most 8 MiB.",
            epilog=examples(VIDEO.example("upload-thumbnail", "cover.jpg")),
        ),
        call_command(
            VIDEO,
            "pick-thumbnail",
            [*ID, click.Argument(["timecode"], metavar="HH:MM:SS")],
            summary="Set the thumbnail to a frame of the video. HH:MM:SS may be followed by "
            "milliseconds (.mmm) or a frame number (:ff).",
            epilog=examples(VIDEO.example("pick-thumbnail", "00:01:30")),
        ),
        list_command(
            DISCARDED,
            [*FILTERS, *SORTING],
            method="list_discarded",
            name="discarded",
            summary="List deleted videos that can be restored.",
        ),
        call_command(
            VIDEO,
            "restore",
            ID,
            summary="Restore a discarded video.",
            epilog=examples(VIDEO.example("restore")),
        ),
    ],
)
