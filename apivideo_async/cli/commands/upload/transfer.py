"""Uploads one file of a command: checks for earlier runs, uploads, waits for the encoding."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from ....client import ApiVideoClient
from ....errors import ApiTimeoutError, ApiVideoError, SourceError
from ....models import Video
from ....uploads.journal import Journal, JournalEntry
from ....uploads.plan import make_plan
from ....uploads.progress import UploadProgress
from ....uploads.sources.opening import open_source
from ....uploads.sources.types import Source, SourceLike
from ...console.display import Display
from ...console.formatting import bytes_text
from ...console.messages import explain
from .finished import Fingerprint, Finished
from .request import STDIN, Outcome, UploadRequest
from .stdin import open_stdin

log: logging.Logger = logging.getLogger("apivideo_async.upload")

__all__ = ["Transfer", "flows", "inspect"]


async def inspect(file: str, request: UploadRequest) -> int | None:
    """Return the size in bytes. Raises ``SourceError`` for a file that cannot be uploaded.

    A pipe has no size and is not opened, because bytes read from it cannot be read again.
    """
    if flows(file):
        return None
    source = await open_source(file)
    try:
        if not isinstance(source, Source):
            return None
        make_plan(source.size, request.options)
        return source.size
    finally:
        await source.aclose()


def flows(file: str) -> bool:
    """True if the source can be read only once."""
    return file == STDIN or Path(file).is_fifo() or Path(file).is_char_device()


async def _fingerprint(file: str) -> Fingerprint | None:
    """Return the fingerprint by which the journal identifies a file; None for a pipe."""
    source = await open_source(file)
    try:
        return await source.fingerprint() if isinstance(source, Source) else None
    finally:
        await source.aclose()


def _sendable(name: str) -> str:
    """Replace characters of a file name that are not valid text.

    Neither JSON nor the journal can store such characters.
    """
    return name.encode(errors="replace").decode()


class Transfer:
    """The upload of one file."""

    def __init__(
        self,
        client: ApiVideoClient,
        request: UploadRequest,
        file: str,
        display: Display,
        finished: Finished,
    ) -> None:
        self._client = client
        self._request = request
        self._file = file
        self._name = request.label(file)
        self._display = display
        self._finished = finished
        self._first: UploadProgress | None = None
        self._last: UploadProgress | None = None
        path = str(Path(file).resolve())
        # The journal identifies a file by its path, so the path must be storable.
        self._journalled = (
            request.options.journal is not None and not flows(file) and path == _sendable(path)
        )

    async def run(self, outcome: Outcome) -> None:
        """Upload the file. Failures are shown and recorded in ``outcome``; they are not raised."""
        began = time.monotonic()
        self._display.begin(self._name, outcome.bytes)
        try:
            await self._upload(
                outcome, await _fingerprint(self._file) if self._journalled else None
            )
            outcome.error = None
        except (ApiVideoError, OSError) as error:
            outcome.error = explain(error, self._client.config.base_url)
            self._display.failed(self._name, outcome.error)
        except Exception as error:
            log.debug("unexpected failure of %s", self._name, exc_info=True)
            outcome.error = (
                f"unexpected {type(error).__name__}: {error} (a defect: --debug shows where)"
            )
            self._display.failed(self._name, outcome.error)
        except BaseException:
            self._display.end(self._name)
            raise
        finally:
            outcome.seconds = time.monotonic() - began
            # Set after failures too: the container exists and can be resumed or deleted.
            outcome.video_id = self._last.video_id if self._last is not None else None

    async def _upload(self, outcome: Outcome, fingerprint: Fingerprint | None) -> None:
        before = await self._uploaded_before(fingerprint) if fingerprint is not None else None
        if before is not None:
            outcome.video = before
            await self._wait(before.video_id)
            self._display.end(self._name)
            return
        began = time.monotonic()
        await self._announce(fingerprint)
        async with self._source() as source:
            video = await self._send(source)
        seconds = time.monotonic() - began
        outcome.video = video
        if fingerprint is not None:
            await self._finished.add(fingerprint, video)
        held, total = self._amounts(outcome.bytes or 0)
        outcome.bytes = total
        await self._wait(video.video_id)
        self._display.done(self._name, total, total - held, seconds)

    def _amounts(self, size: int) -> tuple[int, int]:
        """Return the bytes that the server already had before this run, and all bytes."""
        held = self._first.bytes_accepted if self._first is not None and self._request.resume else 0
        total = self._last.bytes_total if self._last is not None else None
        return held, total if total is not None else size

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
                f"apivideo videos status {video_id} shows how far it is"
            ) from error

    async def _uploaded_before(self, fingerprint: Fingerprint) -> Video | None:
        """Return the video if an interrupted run of this command had uploaded the file."""
        if self._request.options.resume == "off":
            return None
        video = await self._finished.find(self._client, fingerprint, self._request.video_id)
        if video is not None:
            self._say(f"uploaded before, as {video.video_id} (anew without --resume)")
        return video

    async def _announce(self, fingerprint: Fingerprint | None) -> None:
        """Say whether there is an interrupted upload of the same file."""
        resume = self._request.resume
        try:
            found = await self._interrupted(fingerprint)
        except SourceError:
            found = None
            # Without --resume the upload starts again, so a file that has changed is no error.
            if resume:
                raise
        if found is not None and not resume:
            self._say("an interrupted upload of it exists: add --resume to continue it")
        if found is None and resume and self._request.video_id is None:
            self._say("no interrupted upload of it is known: uploading all of it")

    async def _interrupted(self, fingerprint: Fingerprint | None) -> JournalEntry | None:
        folder = self._request.options.journal
        if fingerprint is None or folder is None:
            return None
        return await Journal(folder).find(fingerprint, self._client.config.base_url)

    def _say(self, text: str) -> None:
        self._display.say(self._name, text)

    @asynccontextmanager
    async def _source(self) -> AsyncIterator[SourceLike]:
        if self._file != STDIN:
            yield Path(self._file)
            return
        async with open_stdin() as source:
            yield source

    async def _send(self, source: SourceLike) -> Video:
        request = self._request
        given: dict[str, Any] = {"options": request.options, "on_progress": self._on_progress}
        if not self._journalled:
            # The source cannot be identified later, so it is not recorded in the journal.
            given["options"] = evolve(request.options, resume="off", journal=None)
            given["filename"] = "stdin" if self._file == STDIN else _sendable(Path(self._file).name)
        if request.token is not None:
            return await self._client.videos.upload_with_token(
                request.token, source, video_id=request.video_id, **given
            )
        if request.video_id is not None:
            return await self._client.videos.upload(request.video_id, source, **given)
        return await self._client.upload(source, title=request.title, **given, **request.fields)

    def _on_progress(self, event: UploadProgress) -> None:
        if self._first is None:
            self._first = event
            if self._request.resume and event.bytes_accepted and event.bytes_total:
                held = f"{bytes_text(event.bytes_accepted)} of {bytes_text(event.bytes_total)}"
                self._say(f"continuing, the server holds {held}")
        self._last = event
        self._display.progress(self._name, event)
