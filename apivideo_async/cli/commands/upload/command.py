"""The command ``apivideo upload``."""

from pathlib import Path
from typing import Any, Literal

import click
from attrs import evolve

from ....config import Mode, UploadOptions
from ....private_files import state_folder
from ...parameters import Concurrency, MetadataPair, Size
from ...running import run
from ...session import Session
from .batch import Batch
from .request import STDIN, UploadRequest

__all__ = ["command"]


@click.command(name="upload")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--title", help="Title of the video; the file's name otherwise.")
@click.option("--description", help="Text about the video.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; repeat for more.")
@click.option("--metadata", multiple=True, type=MetadataPair(), help="A pair; repeat for more.")
@click.option("--private", is_flag=True, help="Only viewers with a token can watch it.")
@click.option("--player-id", metavar="ID", help="The player theme.")
@click.option("--video-id", metavar="ID", help="Fill this container instead of creating a video.")
@click.option("--token", metavar="TOKEN", help="Use an upload token; needs no API key.")
@click.option(
    "--chunk-size",
    type=Size(),
    help="5MiB to 200MiB, or bytes; chosen from the file's size otherwise.",
)
@click.option(
    "--concurrency", type=Concurrency(), default="auto", show_default=True, help="Chunks at once."
)
@click.option(
    "--mode", type=click.Choice(["bytes", "part"]), help="Name chunks by byte ranges or by numbers."
)
@click.option("--resume", is_flag=True, help="Continue an interrupted upload of the same file.")
@click.option("--wait", is_flag=True, help="Wait until the video can be watched.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --wait waits.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document about all files.")
@click.pass_obj
def command(
    session: Session,
    /,
    files: tuple[str, ...],
    chunk_size: int | None,
    concurrency: int | Literal["auto"],
    mode: Mode | None,
    **given: Any,
) -> int:
    """Upload files as videos, in concurrent chunks.

    FILE is a path, or - for the standard input. Each finished file is printed on one line: video
    id, title, address of the player. A failed file does not stop the others. After an interruption,
    the same command with --resume sends only the missing chunks.
    """
    options = UploadOptions(
        chunk_size=chunk_size, concurrency=concurrency, mode=mode, journal=state_folder("uploads")
    )
    if given["resume"] and options.journal is not None:
        options = evolve(options, resume="on")
    request = UploadRequest(files=files, options=options, fields=_fields(given), **_rest(given))
    session.terminal.hide(request.token)
    _check(request)
    batch = Batch(session, request)
    return run(session.terminal, batch.run(), batch.interrupted)


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the video that were given."""
    fields: dict[str, Any] = {
        name: given[name] for name in ("description", "player_id") if given[name] is not None
    }
    if given["tags"]:
        fields["tags"] = list(given["tags"])
    if given["metadata"]:
        fields["metadata"] = dict(given["metadata"])
    if given["private"]:
        fields["public"] = False
    return fields


def _rest(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: given[name]
        for name in ("title", "video_id", "token", "resume", "wait", "timeout", "as_json")
    }


def _check(request: UploadRequest) -> None:
    """Raise ``UsageError`` for options that exclude each other and for files given twice."""
    described = request.fields or request.title is not None
    if request.token is not None and described:
        raise click.UsageError(
            "--token takes no --title, --description, --tag, --metadata, --private or --player-id: "
            "an upload token may only send a file, the key's owner sets the rest"
        )
    if request.video_id is not None and described:
        raise click.UsageError(
            "--video-id names a video that exists: its title and other fields stay as they are"
        )
    if request.video_id is not None and len(request.files) > 1:
        raise click.UsageError("--video-id takes one FILE: a video holds one source")
    # Compare resolved paths: one file under two names would be uploaded twice.
    paths = [file if file == STDIN else str(Path(file).resolve()) for file in request.files]
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise click.UsageError(f"{request.files[number]} is named twice")
