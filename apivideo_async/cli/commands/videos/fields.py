"""The options for the fields of a video, shared by ``create`` and ``update``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ....models import Language, SummaryAttribute
from ...parameters import MetadataPair, as_dict, one_of

__all__ = ["fields"]

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--description", help="Text about the video."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; repeat for more."),
    click.option(
        "--metadata",
        multiple=True,
        type=MetadataPair(),
        callback=as_dict,
        help="A pair; repeat for more.",
    ),
    click.option(
        "--public/--private", default=None, help="Private: only viewers with a token can watch it."
    ),
    click.option("--panoramic/--flat", default=None, help="Whether it is a 360° video."),
    click.option(
        "--mp4/--no-mp4",
        "mp4_support",
        default=None,
        help="Whether the source can be had as an MP4.",
    ),
    click.option("--player-id", metavar="ID", help="The player theme."),
    click.option(
        "--language", type=one_of(Language), metavar="CODE", help="What is spoken, such as fr."
    ),
    click.option(
        "--transcript", is_flag=True, default=None, help="Make captions from what is said."
    ),
    click.option(
        "--summary", "transcript_summary", is_flag=True, default=None, help="Make a summary, too."
    ),
    click.option(
        "--summary-part",
        "transcript_summary_attributes",
        multiple=True,
        type=one_of(SummaryAttribute),
        help="A part of that summary; repeat for both.",
    ),
)


def fields(function: F) -> F:
    """Add the options for the fields of a video to a command."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
