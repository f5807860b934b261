"""Uploads one file of a command: checks for earlier runs, uploads, waits for the encoding."""

import asyncio
import logging
import os
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from ....client import ApiVideoClient
from ....config import UploadOptions
from ....errors import ApiTimeoutError, ApiVideoError, SourceError
from ....models import Video
from ....uploads.journal import Journal
from ....uploads.journal_entry import same_content
from ....uploads.plan import make_plan
from ....uploads.progress import UploadProgress
from ....uploads.sources.opening import open_source
from ....uploads.sources.types import Source, SourceLike
from ...console.display import Display
from ...console.formatting import bytes_text
from ...console.messages import explain
from .finished import Fingerprint, FinishedUploads
from .request import STDIN, Outcome, UploadRequest

__all__ = ["FileUpload", "check_file", "is_stream"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

STDIN_BUFFER = 4 * 1024 * 1024
"""Bytes of the standard input that are read ahead."""


async def check_file(file: str, request: UploadRequest) -> int | None:
    """Return the size in bytes, None for a pipe. Raises ``SourceError`` for an unusable file."""
    # A pipe is not opened, because bytes read from it cannot be read again.
    if is_stream(file):
        return None
    source = await open_source(file)
    try:
        if not isinstance(source, Source):
            return None
        make_plan(source.size, request.options)
        return source.size
    finally:
        await source.aclose()


def is_stream(file: str) -> bool:
    """True if the source can be read only once."""
    return file == STDIN or Path(file).is_fifo() or Path(file).is_char_device()


async def _fingerprint(file: str) -> Fingerprint | None:
    source = await open_source(file)
    try:
        return await source.fingerprint() if isinstance(source, Source) else None
    finally:
        await source.aclose()


def _valid_text(name: str) -> str:
    """Replace characters of a file name that neither JSON nor the journal can store."""
    return name.encode(errors="replace").decode()


@asynccontextmanager
async def _open(file: str) -> AsyncIterator[SourceLike]:
    """Open the file as a source for the block.

    The event loop reads a standard input that is a pipe or socket, because a thread that reads from
    it could not be cancelled. Raises ``SourceError`` if the input is closed or a terminal.
    """
    if file != STDIN:
        yield Path(file)
        return
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise SourceError("the standard input is closed: pipe a file into it")
    if stream.isatty():
        raise SourceError("the standard input is a terminal: pipe a file into it, or name a file")
    kind = os.fstat(stream.fileno()).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        yield stream
        return
    reader = asyncio.StreamReader(limit=STDIN_BUFFER)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), stream
    )
    try:
        yield reader
    finally:
        transport.close()


@define
class FileUpload:
    """The upload of one file."""

    _client: ApiVideoClient
    _request: UploadRequest
    _outcome: Outcome
    _display: Display
    _finished: FinishedUploads
    _name: str = field(init=False)
    _first: UploadProgress | None = field(default=None, init=False)
    _last: UploadProgress | None = field(default=None, init=False)

    @_name.default
    def _label(self) -> str:
        return self._request.label(self._outcome.file)

    @property
    def _file(self) -> str:
        return self._outcome.file

    @property
    def _uses_journal(self) -> bool:
        # The journal identifies a file by its path, so the path must be valid text.
        path = str(Path(self._file).resolve())
        journal = self._request.options.journal
        return journal is not None and not is_stream(self._file) and path == _valid_text(path)

    async def run(self) -> None:
        """Upload the file. Failures are shown and recorded in the outcome; they are not raised."""
        outcome = self._outcome
        started = time.monotonic()
        self._display.begin(self._name, outcome.bytes)
        try:
            await self._upload()
            outcome.error = None
        except Exception as error:
            log.debug("upload of %s failed", self._name, exc_info=True)
            outcome.error = explain(error, self._client.config.base_url)
            self._display.failed(self._name, outcome.error)
        except BaseException:
            self._display.end(self._name)
            raise
        finally:
            outcome.seconds = time.monotonic() - started
            # Set after failures too: the container exists and can be resumed or deleted.
            outcome.video_id = self._last.video_id if self._last is not None else None

    async def _upload(self) -> None:
        outcome = self._outcome
        fingerprint = await _fingerprint(self._file) if self._uses_journal else None
        outcome.video = await self._uploaded_before(fingerprint)
        if outcome.video is not None:
            await self._wait(outcome.video.video_id)
            self._display.skip(self._name)
            return
        started = time.monotonic()
        options = await self._options(fingerprint)
        async with _open(self._file) as source:
            video = await self._send(source, options)
        seconds = time.monotonic() - started
        outcome.video = video
        if fingerprint is not None:
            await self._finished.add(fingerprint, video)
        if self._last is not None and self._last.bytes_total is not None:
            outcome.bytes = self._last.bytes_total
        size = outcome.bytes or 0
        await self._wait(video.video_id)
        first = self._first if options.resume == "on" else None
        accepted_before = first.bytes_accepted if first is not None else 0
        self._display.done(self._name, size, size - accepted_before, seconds)

    async def _wait(self, video_id: str) -> None:
        if not self._request.wait:
            return
        self._display.stage(self._name, "encoding")
        timeout = self._request.timeout
        try:
            await self._client.videos.wait_until_playable(video_id, timeout=timeout)
        except ApiTimeoutError as error:
            raise ApiVideoError(
                f"uploaded as {video_id}, but not playable within {timeout:g} s: "
                f"run `apivideo videos status {video_id}` to see the progress of its encoding"
            ) from error

    async def _uploaded_before(self, fingerprint: Fingerprint | None) -> Video | None:
        if fingerprint is None or self._request.options.resume == "off":
            return None
        video = await self._finished.find(self._client, fingerprint, self._request.video_id)
        if video is not None:
            self._note(
                f"already uploaded by an earlier run, as {video.video_id}; "
                "with --no-resume it is uploaded again"
            )
        return video

    async def _options(self, fingerprint: Fingerprint | None) -> UploadOptions:
        """Return the options, without resuming if the source cannot or should not be continued."""
        request = self._request
        if not self._uses_journal:
            # The source cannot be identified later, so it is not recorded in the journal.
            return evolve(request.options, resume="off", journal=None)
        folder = request.options.journal
        if fingerprint is None or folder is None or request.options.resume == "off":
            return request.options
        _, found = await Journal(folder, self._client.config.base_url).look(fingerprint)
        if found is None:
            if request.resume and request.video_id is None:
                self._note("no interrupted upload of this file was found; uploading all of it")
        elif not same_content(found.fingerprint, fingerprint):
            if request.resume:
                return evolve(request.options, resume="required")  # The upload refuses the file.
            self._note(
                "uploading all of it, because it has changed since its upload into "
                f"{found.video_id} was interrupted"
            )
            return evolve(request.options, resume="off")
        return request.options

    def _note(self, text: str) -> None:
        self._display.say(self._name, text)

    async def _send(self, source: SourceLike, upload: UploadOptions) -> Video:
        request = self._request
        options: dict[str, Any] = {"options": upload, "on_progress": self._on_progress}
        if not self._uses_journal:
            name = "stdin" if self._file == STDIN else _valid_text(Path(self._file).name)
            options["filename"] = name
        videos = self._client.videos
        if request.token is not None:
            return await videos.upload_with_token(
                request.token, source, video_id=request.video_id, **options
            )
        if request.video_id is not None:
            return await videos.upload(request.video_id, source, **options)
        return await self._client.upload(source, title=request.title, **options, **request.fields)

    def _on_progress(self, event: UploadProgress) -> None:
        if self._first is None:
            self._first = event
            if event.bytes_accepted and event.bytes_total:
                accepted = bytes_text(event.bytes_accepted)
                total = bytes_text(event.bytes_total)
                self._note(f"continuing: the server has {accepted} of {total}")
                if self._request.fields:
                    self._note("the video keeps its fields: `apivideo videos update` changes them")
        self._last = event
        self._display.progress(self._name, event)
