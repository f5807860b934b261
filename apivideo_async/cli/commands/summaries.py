"""The commands ``apivideo summaries``."""

import click
from attrs import evolve

from ...models import Summary, SummaryAttribute, SummaryOrigin, SummarySource, SummaryStatus
from ..crud.bulk import delete_command, update_command
from ..crud.commands import call_command, show_command
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group
from ..parameters import one_of

__all__ = ["command"]

SUMMARY = ObjectType(
    singular="summary",
    plural="summaries",
    model=Summary,
    section="summaries",
    group="summaries",
    example_ids="summary_123",
    columns=("summary_id", "video_id", "origin", "source_status", "created_at"),
)
TEXT = evolve(
    SUMMARY, singular="text of a summary", plural="texts of summaries", model=SummarySource
)

FILTERS: list[click.Parameter] = [
    click.Option(["--video-id"], metavar="ID", help="Only the summary of this video."),
    click.Option(
        ["--origin"],
        type=one_of(SummaryOrigin),
        help="Only generated summaries (auto), or only those written through the API (api).",
    ),
    click.Option(
        ["--source-status"], type=one_of(SummaryStatus), help="Only summaries in this state."
    ),
    *sorting("createdAt", "updatedAt", "videoId"),
]
CREATION: list[click.Parameter] = [
    click.Argument(["video_id"], metavar="VIDEO_ID"),
    click.Option(
        ["--auto", "origin"],
        flag_value="auto",
        help="Generate the text from the speech in the video.",
    ),
    click.Option(
        ["--part", "attributes"],
        multiple=True,
        type=one_of(SummaryAttribute),
        help="Generate only this part; repeat for both.",
    ),
]
TEXT_FIELDS: list[click.Parameter] = [
    click.Option(["--abstract"], help="A text of 20 to 300 words."),
    click.Option(
        ["--takeaway", "takeaways"],
        multiple=True,
        metavar="TEXT",
        help="A main point; repeat for up to 3.",
    ),
]

command: click.Group = Group(
    "summaries",
    help="Summaries of videos.",
    epilog=examples("apivideo summaries create vi123 --auto"),
    commands=[
        list_command(SUMMARY, FILTERS),
        show_command(TEXT, method="get_source", summary="Show the texts of summaries."),
        call_command(
            SUMMARY,
            "create",
            CREATION,
            summary="Create a summary of a video. Without --auto it has no text until `update` "
            "sets one.",
            epilog=examples("apivideo summaries create vi123 --auto --part abstract"),
        ),
        update_command(
            TEXT,
            TEXT_FIELDS,
            method="update_source",
            summary="Set the text or a part of it. --takeaway replaces all existing takeaways.",
            epilog=examples(TEXT.example("update", "--takeaway First --takeaway Second")),
        ),
        delete_command(SUMMARY),
    ],
)
