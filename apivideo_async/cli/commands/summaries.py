"""The commands ``apivideo summaries``."""

from typing import Any

import click
from attrs import evolve

from ...models import SummaryAttribute, SummaryOrigin, SummaryStatus
from ..crud.answers import changes, chosen, json_option, show_command, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..parameters import one_of
from ..session import Session

__all__ = ["command"]

SUMMARY = Noun(
    one="summary",
    many="summaries",
    resource="summaries",
    columns=("summary_id", "video_id", "origin", "source_status", "created_at"),
)
TEXT = evolve(SUMMARY, one="text of a summary", many="texts")

FILTERS = [
    click.Option(["--video-id"], metavar="ID", help="Of this video."),
    click.Option(
        ["--origin"],
        type=one_of(SummaryOrigin),
        help="Generated (auto), or written by somebody (api).",
    ),
    click.Option(["--source-status"], type=one_of(SummaryStatus), help="How far the text is."),
    *sorting("createdAt", "updatedAt", "videoId"),
]


@click.command(name="create")
@click.argument("video_id", metavar="VIDEO_ID")
@click.option("--auto", "origin", flag_value="auto", help="Generate the text from what is said.")
@click.option(
    "--part", "attributes", multiple=True, type=one_of(SummaryAttribute), help="A part to generate."
)
@json_option
@click.pass_obj
def create(session: Session, /, video_id: str, as_document: bool, **given: Any) -> int:
    """Create a summary of a video. Without --auto it has no text until `update` sets it."""
    options = chosen(given)
    return tell(
        session,
        SUMMARY,
        lambda client: client.summaries.create(video_id=video_id, **options),
        as_document=as_document,
    )


@click.command(name="update")
@click.argument("summary_id", metavar="ID")
@click.option("--abstract", help="A text of 20 to 300 words.")
@click.option(
    "--takeaway",
    "takeaways",
    multiple=True,
    metavar="TEXT",
    help="A main point; repeat for up to 3.",
)
@json_option
@click.pass_obj
def update(session: Session, /, summary_id: str, as_document: bool, **given: Any) -> int:
    """Set the text or a part of it. --takeaway replaces all existing takeaways."""
    options = changes(given)
    return tell(
        session,
        TEXT,
        lambda client: client.summaries.update_source(summary_id, **options),
        as_document=as_document,
    )


command: click.Group = click.Group(
    "summaries",
    help="Summaries of videos.",
    commands=[
        list_command(SUMMARY, FILTERS),
        show_command(TEXT, method="get_source", summary="Show the text of a summary."),
        create,
        update,
        delete_command(SUMMARY),
    ],
)
