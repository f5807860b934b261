"""Folders given to ``apivideo upload``: their videos are uploaded."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import click
from attrs import evolve

from ....errors import SourceError
from ....ingest.listing.folders import list_folder
from .request import STDIN, UploadRequest

__all__ = ["check_one_key", "with_folders"]


async def with_folders(request: UploadRequest, note: Callable[[str], object]) -> UploadRequest:
    """Replace each folder by the videos below it, and leave out files that are named twice.

    ``note`` is called for each file that cannot be listed. Raises ``SourceError`` for a folder
    without videos, and ``UsageError`` for options that are for one file.
    """
    folders = await asyncio.to_thread(lambda: set(filter(_is_folder, request.files)))
    if not folders:
        return request
    files: dict[str, str] = {}
    for given in request.files:
        if given not in folders:
            files.setdefault(await asyncio.to_thread(os.path.realpath, given), given)
            continue
        listed = [item.uri async for item in list_folder(given, on_problem=note)]
        if not listed:
            raise SourceError(f"the folder {given} contains no videos")
        for path in listed:
            files.setdefault(path, path)
    found = evolve(request, files=tuple(files.values()))
    check_one_key(found)
    if found.video_id is not None and len(found.files) > 1:
        raise click.UsageError("--video-id takes one FILE: a video has one source file")
    return found


def check_one_key(request: UploadRequest) -> None:
    """Raise ``UsageError`` if several files would be uploaded with one idempotency key."""
    if "idempotency_key" in request.fields and len(request.files) > 1:
        raise click.UsageError("--idempotency-key takes one FILE: the key names one video")


def _is_folder(file: str) -> bool:
    return file != STDIN and Path(file).is_dir()
