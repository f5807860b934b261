"""Uploads the files of one ``apivideo upload``. A failed file does not stop the others."""

import asyncio
import shlex
from collections import deque

from ....client import ApiVideoClient
from ....config import RetryPolicy
from ....errors import ApiVideoError, ConfigurationError, SourceError
from ....http.network import check_reachable
from ...console.display import Display, show_uploads
from ...console.messages import explain
from ...crud.output import Output, Writer
from ...limit_rate import limiting
from ...session import Session, connect
from .file_upload import FileUpload, check_file, is_stream
from .finished import FinishedUploads
from .folders import with_folders
from .request import COLUMNS, Outcome, UploadRequest

__all__ = ["Batch"]

NOT_FINISHED = "interrupted"
CONCURRENT_FILES = 2
"""Files uploaded at once. Each upload has several chunks in flight already."""


class Batch:
    """Runs the uploads and writes the results."""

    def __init__(self, session: Session, request: UploadRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        self._outcomes: dict[str, Outcome] = {}
        self._waiting: deque[Outcome] = deque()
        self._written: list[Outcome] = []
        self._writer = Writer(self._terminal, request.output, COLUMNS, done=True)

    async def run(self) -> int:
        """Upload all files and return the exit code."""
        self._request = request = await with_folders(self._request, self._terminal.note)
        # A file keeps this error if the command ends before its upload.
        self._outcomes = {file: Outcome(file, error=NOT_FINISHED) for file in request.files}
        try:
            async with (
                connect(self._session.settings, needs_key=request.token is None) as client,
                limiting(request.limit_rate) as limit,
            ):
                limit(client)
                if request.token is not None and request.wait and client.config.api_key is None:
                    raise ConfigurationError(
                        "--wait needs an API key: an upload token cannot read the status of a video"
                    )
                await self._check_files()
                if self._waiting:
                    await self._check_server(client)
                    # The server has answered, so the uploads use the default retries.
                    await self._upload(client.with_options(retry=RetryPolicy()))
        except asyncio.CancelledError:
            self._write_rest()
            raise
        except (ApiVideoError, OSError) as error:
            self._record_stop(explain(error, self._session.base_url))
            raise
        self._write_rest()
        return 1 if any(outcome.error for outcome in self._outcomes.values()) else 0

    def interrupted(self) -> str:
        """Return the line to print after Ctrl-C."""
        rest = [file for file, outcome in self._outcomes.items() if outcome.video is None]
        if not self._outcomes:
            return "interrupted; nothing was sent"
        if not rest:
            return "interrupted while waiting; the upload is complete"
        if all(is_stream(file) for file in rest):
            return "interrupted; an upload from a pipe cannot be continued, so start it again"
        where = f" at {len(self._outcomes) - len(rest)} of {len(self._outcomes)} files"
        where = where if len(self._outcomes) > 1 else ""
        if self._request.options.journal is None:
            return f"interrupted{where}; a later run starts again, because no state could be kept"
        command = "without --no-resume " if self._request.resume is False else ""
        what = "" if where else f" the upload of {shlex.quote(rest[0])}"
        return f"interrupted{where}; the same command {command}continues{what}"

    async def _check_files(self) -> None:
        for file in self._request.files:
            try:
                self._outcomes[file].bytes = await check_file(file, self._request)
                self._waiting.append(self._outcomes[file])
            except (SourceError, OSError) as error:
                text = explain(error, self._session.base_url)
                self._outcomes[file].error = text
                self._terminal.fail(text, prefix=self._request.label(file))

    async def _check_server(self, client: ApiVideoClient) -> None:
        # One request checks the server and the key, so that a mistake is reported once.
        if self._request.token is not None:
            network = self._session.settings.connection.network()
            await check_reachable(network, client.config.base_url)
        elif self._request.video_id is not None:
            await client.videos.get(self._request.video_id)
        else:
            await client.videos.list(page_size=1)

    async def _upload(self, client: ApiVideoClient) -> None:
        finished = FinishedUploads(client.config.base_url)
        sizes = [outcome.bytes for outcome in self._waiting]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        with show_uploads(self._terminal, len(sizes), total=total) as display:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(CONCURRENT_FILES, len(self._waiting))):
                    group.create_task(self._work(client, display, finished))
        # After a failure the records stay: the same command skips these files.
        if not any(outcome.error for outcome in self._outcomes.values()):
            await finished.clear()

    async def _work(
        self, client: ApiVideoClient, display: Display, finished: FinishedUploads
    ) -> None:
        # On a screen with moving bars, the results are written at the end.
        is_document = self._request.output.format == "json"
        write_at_once = not is_document and not self._terminal.results_on_screen
        while self._waiting:
            outcome = self._waiting.popleft()
            await FileUpload(client, self._request, outcome, display, finished).run()
            if outcome.video is not None and write_at_once:
                self._write(outcome)

    def _record_stop(self, reason: str) -> None:
        for outcome in self._outcomes.values():
            outcome.error = reason if outcome.error == NOT_FINISHED else outcome.error
        if self._writes_records:
            self._write_rest()

    @property
    def _writes_records(self) -> bool:
        return self._request.output != Output()

    def _write(self, outcome: Outcome, width: int | None = None) -> None:
        self._written.append(outcome)
        if self._writes_records:
            self._writer.add(outcome.record())
        else:
            self._terminal.report(outcome.line(width))

    def _write_rest(self) -> None:
        width = self._terminal.width if self._terminal.results_on_screen else None
        for outcome in self._outcomes.values():
            is_result = outcome.video is not None or self._writes_records
            if is_result and outcome not in self._written:
                self._write(outcome, width)
        if self._writes_records:
            self._writer.end()
