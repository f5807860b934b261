"""The commands ``apivideo videos``."""

from collections.abc import Iterator
from typing import Any

import click
from attrs import evolve

from ...models import Language, SummaryAttribute, Video, VideoStatus
from ..console.formatting import bytes_text
from ..crud.answers import FILE, call_command, json_option, tell, update_command
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..crud.shown import as_json, facts, moment, text_of
from ..parameters import MetadataPair, as_dict, one_of
from ..running import run
from ..session import Session, connect

__all__ = ["VIDEO", "command"]


def video_facts(video: Video) -> Iterator[tuple[str, object]]:
    """Yield the facts of a video in the order in which they are displayed."""
    yield "id", video.video_id
    yield "title", video.title
    yield "description", video.description
    yield "created", moment(video.created_at)
    yield "published", moment(video.published_at)
    yield "updated", moment(video.updated_at)
    yield "discarded", moment(video.discarded_at)
    yield "deletes", moment(video.deletes_at)
    yield "public", text_of(video.public)
    yield "tags", text_of(video.tags)
    yield "metadata", text_of(video.metadata)
    yield "language", video.language
    yield "player theme", video.player_id
    for name in ("player", "hls", "mp4", "thumbnail"):
        yield name, getattr(video.assets, name, None)


VIDEO = Noun(
    one="video",
    many="videos",
    resource="videos",
    columns=("video_id", "title", "created_at", "public", "tags"),
    cut=("title", "tags"),
    facts=video_facts,
)
DISCARDED = evolve(
    VIDEO,
    many="discarded videos",
    columns=("video_id", "title", "discarded_at", "deletes_at"),
    cut=("title",),
)
ID = click.Argument(["video_id"], metavar="ID")

FILTERS: list[click.Parameter] = [
    click.Option(["--title"], help="Only videos whose title contains this text."),
    click.Option(["--description"], help="Only videos whose description contains this text."),
    click.Option(
        ["--tag", "tags"],
        multiple=True,
        metavar="TAG",
        help="Only videos with this tag; repeat to require several tags.",
    ),
    click.Option(
        ["--metadata"],
        multiple=True,
        type=MetadataPair(),
        callback=as_dict,
        help="Only videos with this metadata pair; repeat to require several pairs.",
    ),
    click.Option(["--live-stream-id"], metavar="ID", help="Only recordings of this live stream."),
    *sorting("title", "createdAt", "publishedAt", "updatedAt"),
]

FIELDS: list[click.Parameter] = [
    click.Option(["--description"], help="Description of the video."),
    click.Option(["--tag", "tags"], multiple=True, metavar="TAG", help="A tag; repeat for more."),
    click.Option(
        ["--metadata"],
        multiple=True,
        type=MetadataPair(),
        callback=as_dict,
        help="A metadata pair; repeat for more.",
    ),
    click.Option(
        ["--public/--private"],
        default=None,
        help="A private video can be watched only with a viewer token.",
    ),
    click.Option(["--panoramic/--flat"], default=None, help="Whether it is a 360° video."),
    click.Option(
        ["--mp4/--no-mp4", "mp4_support"],
        default=None,
        help="Whether api.video offers an MP4 version for download.",
    ),
    click.Option(["--player-id"], metavar="ID", help="The player theme."),
    click.Option(
        ["--language"], type=one_of(Language), metavar="CODE", help="Spoken language, such as fr."
    ),
    click.Option(
        ["--transcript"], is_flag=True, default=None, help="Generate captions from the speech."
    ),
    click.Option(
        ["--summary", "transcript_summary"],
        is_flag=True,
        default=None,
        help="Generate a summary from the transcript.",
    ),
    click.Option(
        ["--summary-part", "transcript_summary_attributes"],
        multiple=True,
        type=one_of(SummaryAttribute),
        help="Generate only this part of the summary; repeat for both.",
    ),
]


@click.command(name="show")
@click.argument("video_id", metavar="ID")
@click.option("--discarded", is_flag=True, help="Show a deleted video that can be restored.")
@json_option
@click.pass_obj
def show(session: Session, /, video_id: str, discarded: bool, as_document: bool) -> int:
    """Show one video."""
    method = "get_discarded" if discarded else "get"
    return tell(
        session, VIDEO, lambda client: VIDEO.call(client, method, video_id), as_document=as_document
    )


def status_facts(status: VideoStatus) -> Iterator[tuple[str, object]]:
    """Yield the facts of a video's ingest, encoding and qualities."""
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
    yield "playable", "yes" if status.playable else "no"
    for quality in encoding.qualities if encoding is not None else []:
        yield f"{quality.type} {quality.quality}", quality.status


@click.command(name="status")
@click.argument("video_id", metavar="ID")
@json_option
@click.pass_obj
def status(session: Session, /, video_id: str, as_document: bool) -> int:
    """Show the received bytes of a video and the progress of its encoding."""

    async def work() -> int:
        async with connect(session.settings) as client:
            found = await client.videos.get_status(video_id)
        session.terminal.results([as_json(found)] if as_document else facts(status_facts(found)))
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


EMPTY_VALUES: dict[str, Any] = {
    "description": "",
    "tags": [],
    "metadata": {},
    "player_id": None,
    "language": None,
}

command: click.Group = click.Group(
    "videos",
    help="Create, list, show, change, delete and restore videos.",
    no_args_is_help=True,
    commands=[
        list_command(VIDEO, FILTERS),
        show,
        status,
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
                *FIELDS,
                click.Option(
                    ["--idempotency-key"],
                    metavar="KEY",
                    help="If a video was created with this key before, show it and create none.",
                ),
            ],
            summary="Create an empty video for a later upload, or a video from a URL. "
            "`apivideo upload` creates a video and uploads its file.",
        ),
        update_command(
            VIDEO,
            "video_id",
            [click.Option(["--title"], help="Title of the video."), *FIELDS],
            empty_values=EMPTY_VALUES,
            summary="Change the given fields. --tag and --metadata replace all existing tags and "
            "metadata pairs.",
        ),
        delete_command(
            VIDEO,
            summary="Delete videos. They can be restored only if the account has Video Restore.",
        ),
        call_command(
            VIDEO,
            "upload-thumbnail",
            [ID, FILE],
            summary="Set the thumbnail: a JPEG, PNG or WebP file of at most 8 MiB.",
        ),
        call_command(
            VIDEO,
            "pick-thumbnail",
            [ID, click.Argument(["timecode"], metavar="HH:MM:SS")],
            summary="Set the thumbnail to a frame of the video. HH:MM:SS may be followed by "
            "milliseconds (.mmm) or a frame number (:ff).",
        ),
        list_command(
            DISCARDED,
            FILTERS,
            method="list_discarded",
            name="discarded",
            summary="List deleted videos that can be restored",
        ),
        call_command(VIDEO, "restore", [ID], summary="Restore a discarded video."),
    ],
)
