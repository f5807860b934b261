"""``apivideo videos``: one module per command."""

import click

from ..app import LazyGroup

__all__ = ["command"]

COMMANDS = {
    "list": (".list", "List videos."),
    "show": (".show", "Show one video."),
    "status": (".status", "Show what has arrived of a video and how far its encoding is."),
    "delete": (".delete", "Delete videos."),
}


@click.group(cls=LazyGroup, homes=COMMANDS, package=__package__, name="videos", no_args_is_help=True)
def command() -> None:
    """List, show and delete videos."""
