"""The commands ``apivideo videos``, one module each."""

import click

from ...app import LazyGroup

__all__ = ["command"]

COMMANDS = {
    "list": (".list", "List videos."),
    "show": (".show", "Show one video."),
    "status": (".status", "Show what has arrived of a video and how far its encoding is."),
    "create": (".create", "Create an empty video, or one from an address."),
    "update": (".update", "Change a video."),
    "delete": (".delete", "Delete videos."),
    "upload-thumbnail": (".upload_thumbnail", "Set the thumbnail of a video."),
    "pick-thumbnail": (".pick_thumbnail", "Take the thumbnail from the video."),
    "discarded": (".discarded", "List videos that were deleted and can be restored."),
    "restore": (".restore", "Bring a discarded video back."),
}


@click.group(
    cls=LazyGroup, modules=COMMANDS, package=__package__, name="videos", no_args_is_help=True
)
def command() -> None:
    """Create, list, show, change, delete and restore videos."""
