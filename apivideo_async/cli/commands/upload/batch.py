"""Uploads the files of one ``apivideo upload``. A failed file does not stop the others."""

import asyncio
import shlex
from collections import deque

from ....client import ApiVideoClient
from ....config import RetryPolicy
from ....errors import ApiVideoError, ConfigurationError, SourceError
from ...console.display import Display, display_for
from ...console.messages import explain
from ...session import Session, check_reachable, connect
from .finished import Finished
from .request import Outcome, UploadRequest, json_document
from .transfer import Transfer, flows, inspect

__all__ = ["Batch"]

NOT_DONE = "interrupted"
AT_ONCE = 2
"""Files uploaded at once. Each upload has several chunks in flight already."""


class Batch:
    """Runs the uploads and writes the results."""

    def __init__(self, session: Session, request: UploadRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        # A file keeps this error if the command ends before its upload.
        self._outcomes = {file: Outcome(file, error=NOT_DONE) for file in request.files}
        self._ready: deque[Outcome] = deque()
        self._written: list[Outcome] = []

    async def run(self) -> int:
        """Upload all files and return the exit code."""
        request = self._request
        try:
            async with connect(self._session.settings, needs_key=request.token is None) as client:
                if request.token is not None and request.wait and client.config.api_key is None:
                    raise ConfigurationError(
                        "--wait asks the API, and an upload token cannot: give an API key, too"
                    )
                await self._inspect()
                if self._ready:
                    await self._check_server(client)
                    # The server has answered, so the uploads use the default retries.
                    await self._upload(client.with_options(retry=RetryPolicy()))
        except asyncio.CancelledError:
            self._write_rest()
            raise
        except (ApiVideoError, OSError) as error:
            self._stopped(explain(error, self._session.base_url))
            raise
        self._write_rest()
        return 1 if any(outcome.error for outcome in self._outcomes.values()) else 0

    def interrupted(self) -> str:
        """Return the line to print after Ctrl-C."""
        rest = [file for file, outcome in self._outcomes.items() if outcome.video is None]
        if not rest:
            return "interrupted after the upload, while waiting"
        if all(flows(file) for file in rest):
            return "interrupted; what comes from a pipe cannot be continued: start again"
        same = (
            "the same command continues"
            if self._request.resume
            else "the same command with --resume continues"
        )
        if len(self._request.files) == 1:
            return f"interrupted; {same} the upload of {shlex.quote(rest[0])}"
        return f"interrupted at {len(self._outcomes) - len(rest)} of {len(self._outcomes)} files; {same}"

    async def _inspect(self) -> None:
        """Check every file before anything is sent."""
        for file in self._request.files:
            try:
                self._outcomes[file].bytes = await inspect(file, self._request)
                self._ready.append(self._outcomes[file])
            except (SourceError, OSError) as error:
                text = explain(error, self._session.base_url)
                self._outcomes[file].error = text
                self._terminal.fail(text, prefix=self._request.label(file))

    async def _check_server(self, client: ApiVideoClient) -> None:
        """Check the server and the key with one request, so that a mistake is reported once."""
        if self._request.token is not None:
            await check_reachable(client.config.base_url)
        elif self._request.video_id is not None:
            await client.videos.get(self._request.video_id)
        else:
            await client.videos.list(page_size=1)

    async def _upload(self, client: ApiVideoClient) -> None:
        finished = Finished(client.config.base_url)
        with display_for(self._terminal, len(self._ready)) as display:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(self._ready))):
                    group.create_task(self._work(client, display, finished))
        # After a failure the records stay: the same command with --resume skips these files.
        if not any(outcome.error for outcome in self._outcomes.values()):
            await finished.clear()

    async def _work(self, client: ApiVideoClient, display: Display, finished: Finished) -> None:
        while self._ready:
            outcome = self._ready.popleft()
            await Transfer(client, self._request, outcome.file, display, finished).run(outcome)
            # On a screen with moving bars, the results are written at the end.
            if (
                outcome.video is not None
                and not self._request.as_json
                and not self._terminal.results_on_screen
            ):
                self._terminal.report(outcome.line())
                self._written.append(outcome)

    def _stopped(self, text: str) -> None:
        """Record the reason for every file that was not uploaded, for the JSON document."""
        for outcome in self._outcomes.values():
            outcome.error = text if outcome.error == NOT_DONE else outcome.error
        if self._request.as_json:
            self._write_rest()

    def _write_rest(self) -> None:
        """Write the JSON document, or the results that were held back while bars were moving."""
        if self._request.as_json:
            self._terminal.report(json_document(self._outcomes.values()))
        else:
            width = self._terminal.width if self._terminal.results_on_screen else None
            uploaded = [outcome for outcome in self._outcomes.values() if outcome.video is not None]
            for outcome in uploaded:
                if outcome not in self._written:
                    self._terminal.report(outcome.line(width))
