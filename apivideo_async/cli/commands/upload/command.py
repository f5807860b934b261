"""The command ``apivideo upload``."""

from pathlib import Path
from typing import Any, Literal

import click
from attrs import evolve

from ....masking import shown
from ....private_files import state_folder
from ...crud.output import take_output, with_output
from ...examples import examples
from ...limit_rate import limit_rate_option
from ...parameters import given_options
from ...running import run
from ...session import Session
from ..options import VIDEO_FIELDS, sending_options, upload_options
from .batch import Batch
from .folders import check_one_key
from .request import COLUMNS, STDIN, UploadRequest

__all__ = ["command"]


@click.command(
    name="upload",
    params=[*VIDEO_FIELDS],
    epilog=examples(
        "apivideo upload movie.mp4 --title Movie --tag trailer --wait",
        "apivideo upload recordings/ --language fr --transcript --limit-rate 20M",
        "cat movie.mp4 | apivideo upload - --title Movie",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--title", help="Title of the video. Default: the name of the file.")
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Upload into the video that was created with this key before, if there is one. For one "
    "FILE.",
)
@click.option(
    "--video-id", metavar="ID", help="Upload into this existing video instead of creating one."
)
@click.option("--token", metavar="TOKEN", help="Use an upload token; no API key is needed.")
@sending_options
@limit_rate_option
@click.option(
    "--resume/--no-resume",
    default=None,
    help="Continue an interrupted upload of the same file, or start again. Default: continue if "
    "the file has not changed.",
)
@click.option("--wait", is_flag=True, help="Wait until the video is playable.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    metavar="SECONDS",
    help="Maximum time that --wait waits for a video.",
)
@with_output(COLUMNS)
@click.pass_obj
def command(
    session: Session,
    /,
    files: tuple[str, ...],
    **given: Any,
) -> int:
    """Upload files as videos, in concurrent chunks.

    FILE is a path, a folder whose videos are uploaded, or - for the standard input. Each
    finished file is printed on one line: video id, title, URL of the player. A failed file does not
    stop the others. JSON and CSV have a record for each file, with the reason of a failure.
    """
    folder = state_folder("uploads")
    continues = folder is not None and given["resume"] is not False
    resume: Literal["on", "off"] = "on" if continues else "off"
    options = evolve(upload_options(given), journal=folder, resume=resume)
    names = [option.name or "" for option in VIDEO_FIELDS]
    fields = given_options({name: given.pop(name) for name in [*names, "idempotency_key"]})
    output = take_output(given)
    request = UploadRequest(files=files, options=options, fields=fields, output=output, **given)
    session.terminal.hide(request.token)
    _check(request)
    batch = Batch(session, request)
    return run(session.terminal, batch.run(), batch.interrupted)


def _check(request: UploadRequest) -> None:
    described = request.fields or request.title is not None
    if request.token is not None and described:
        raise click.UsageError(
            "--token excludes --title, --description, --tag and the other options for fields of "
            "the video: an upload token can only upload the file"
        )
    for file in request.files:
        if "://" in file and not Path(file).exists():
            text = f"{shown(file)} is an address: `apivideo ingest` takes addresses"
            raise click.UsageError(text)
    if request.video_id is not None and described:
        raise click.UsageError(
            "--video-id names an existing video: its title and other fields cannot be set here; "
            "use `apivideo videos update`"
        )
    if request.video_id is not None and len(request.files) > 1:
        raise click.UsageError("--video-id takes one FILE: a video has one source file")
    check_one_key(request)
    # Compare resolved paths: one file under two names would be uploaded twice.
    paths = [file if file == STDIN else str(Path(file).resolve()) for file in request.files]
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise click.UsageError(f"{request.files[number]} is given twice")
