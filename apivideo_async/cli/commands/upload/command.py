"""The command ``apivideo upload``."""

from pathlib import Path
from typing import Any

import click
from attrs import evolve

from ....private_files import state_folder
from ...limit_rate import limit_rate_option
from ...parameters import given_options, json_option
from ...running import run
from ...session import Session
from ..options import METADATA, TAGS, sending_options, upload_options
from .batch import Batch
from .request import STDIN, UploadRequest

__all__ = ["command"]


@click.command(name="upload", params=[TAGS, METADATA])
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--title", help="Title of the video. Default: the name of the file.")
@click.option("--description", help="Description of the video.")
@click.option(
    "--private", is_flag=True, help="Make the video private: viewers need a token to watch it."
)
@click.option("--player-id", metavar="ID", help="The player theme.")
@click.option(
    "--video-id", metavar="ID", help="Upload into this existing video instead of creating one."
)
@click.option("--token", metavar="TOKEN", help="Use an upload token; no API key is needed.")
@sending_options
@limit_rate_option
@click.option("--resume", is_flag=True, help="Continue an interrupted upload of the same file.")
@click.option("--wait", is_flag=True, help="Wait until the video is playable.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    metavar="SECONDS",
    help="Maximum time that --wait waits for a video.",
)
@json_option
@click.pass_obj
def command(
    session: Session,
    /,
    files: tuple[str, ...],
    **given: Any,
) -> int:
    """Upload files as videos, in concurrent chunks.

    FILE is a path, or - for the standard input. Each finished file is printed on one line: video
    id, title, URL of the player. A failed file does not stop the others.
    """
    options = evolve(upload_options(given), journal=state_folder("uploads"))
    if given["resume"] and options.journal is not None:
        options = evolve(options, resume="on")
    names = ("description", "player_id", "tags", "metadata")
    fields = given_options({name: given.pop(name) for name in names})
    if given.pop("private"):
        fields["public"] = False
    request = UploadRequest(files=files, options=options, fields=fields, **given)
    session.terminal.hide(request.token)
    _check(request)
    batch = Batch(session, request)
    return run(session.terminal, batch.run(), batch.interrupted)


def _check(request: UploadRequest) -> None:
    described = request.fields or request.title is not None
    if request.token is not None and described:
        raise click.UsageError(
            "--token excludes --title, --description, --tag, --metadata, --private and "
            "--player-id: an upload token can only upload the file"
        )
    if request.video_id is not None and described:
        raise click.UsageError(
            "--video-id names an existing video: its title and other fields cannot be set here; "
            "use `apivideo videos update`"
        )
    if request.video_id is not None and len(request.files) > 1:
        raise click.UsageError("--video-id takes one FILE: a video has one source file")
    # Compare resolved paths: one file under two names would be uploaded twice.
    paths = [file if file == STDIN else str(Path(file).resolve()) for file in request.files]
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise click.UsageError(f"{request.files[number]} is given twice")
