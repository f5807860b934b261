"""Runs the probes one after the other, and deletes their videos in every case."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeAlias

from attrs import define, field, frozen

from ..client import ApiVideoClient
from ..errors import ApiVideoError, first_failure
from .leftovers import delete_earlier, delete_own, find_own
from .observations import DELETED_TWICE, SENT_AGAIN, Findings, UndeterminedError
from .options import CheckOptions
from .probes.chunks import chunks
from .probes.creations import creations
from .probes.errors import error_type, second_deletion
from .probes.order import order
from .probes.private_urls import private_urls
from .probes.rates import headers, window
from .probes.sizes import largest_request
from .probes.statuses import closed_upload, whole_upload
from .report import ConformanceReport
from .service import Known, Service

__all__ = ["Check", "check"]

log: logging.Logger = logging.getLogger("apivideo_async.conformance")

DELETION_SECONDS = 90.0
"""Limit of the time for deleting at the end: a window of the rate limit, and a reserve."""
INTERRUPTED_SECONDS = 10.0
"""The same after an interruption or an error."""

OnStep: TypeAlias = Callable[[str], None]


@frozen
class _Probe:
    """A probe. ``answers`` are the quirks and questions that it asks about."""

    text: str
    run: Callable[[Service], Awaitable[None]]
    answers: tuple[str, ...]


PROBES = (
    _Probe(
        "new videos, lists and metadata",
        creations,
        (
            "late-creation",
            "delivered-twice",
            "list-delay",
            "list-ignores-metadata",
            "metadata-modified",
            "new-video-delay",
        ),
    ),
    _Probe("the form of errors", error_type, ("problem-json",)),
    _Probe(
        "an upload in one request",
        whole_upload,
        ("status-delay", "status-uploading", "status-without-size", "status-number-strings"),
    ),
    _Probe("an upload whose connection is closed", closed_upload, ("late-chunk",)),
    _Probe(
        "chunks",
        chunks,
        (
            "no-byte-ranges",
            "no-parts",
            "no-unknown-totals",
            "minimum-chunk",
            "upload-response",
            "status-without-ranges",
            SENT_AGAIN,
        ),
    ),
    _Probe(
        "the order of chunks, and several at once",
        order,
        (
            "chunks-in-order",
            "first-chunk-first",
            "one-chunk-at-a-time",
            "status-merged-ranges",
        ),
    ),
    _Probe("a large request", largest_request, ("largest-request",)),
    _Probe("private videos and live streams", private_urls, ("private-urls",)),
    _Probe("deletions", second_deletion, (DELETED_TWICE,)),
)
RATE_PROBES = (
    _Probe("the rate limit headers", headers, ("rate-headers",)),
    _Probe("the window of the rate limit", window, ("rate-window",)),
)
"""These may use up the budget of reads, so they run after the videos were deleted."""


@define(eq=False)
class Check:
    """One check of the service that a client uses.

    The client's profile and retries are not used: every request is sent as it is. ``on_step`` is
    called with a text about each step.
    """

    _client: ApiVideoClient
    _options: CheckOptions = CheckOptions()
    _on_step: OnStep = lambda _: None
    _findings: Findings = field(factory=Findings, init=False)
    _service: Service = field(init=False)
    _started: datetime = field(init=False)
    _seconds: float = field(default=0.0, init=False)
    _complete: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._started = datetime.now(UTC)
        self._service = Service(
            self._client._pipeline,  # noqa: SLF001 (this is a part of the package)
            self._options,
            self._findings,
            Known(self._client.config.upload.limits.smallest_chunk),
            self._on_step,
        )

    async def run(self) -> ConformanceReport:
        """Run all probes. Raises an error only if the first request fails.

        When it is cancelled, it deletes its videos, and ``report`` returns the observations so far.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            self._on_step("looking for videos of an earlier check")
            await delete_earlier(self._service)
            for probe in PROBES:
                await self._perform(probe)
            self._on_step("deleting the videos of this check")
            await self._delete_in_time(DELETION_SECONDS)
            for probe in RATE_PROBES:
                await self._perform(probe)
            self._complete = True
        finally:
            if self._service.videos or not self._complete:
                await self._delete_in_time(INTERRUPTED_SECONDS)
            self._seconds = clock() - began
            self._note_unprobed()
        return self.report()

    def report(self) -> ConformanceReport:
        """Return the observations so far."""
        return ConformanceReport(
            base_url=self._client.config.base_url,
            checked=self._started,
            seconds=self._seconds,
            complete=self._complete,
            observations=tuple(self._findings),
            requests=dict(self._service.requests),
            bytes_sent=self._service.bytes_sent,
            left=tuple(sorted(self._service.videos)),
        )

    async def _perform(self, probe: _Probe) -> None:
        self._on_step(f"probing {probe.text}")
        try:
            await probe.run(self._service)
        except Exception as error:  # A probe must not end the check.
            reason = _reason(error)
            log.debug("the probe of %s has no result", probe.text, exc_info=error)
        else:
            reason = "an earlier question had no answer"
        for name in probe.answers:
            if self._findings.is_open(name):
                self._findings.undetermined(name, reason)

    async def _delete_in_time(self, seconds: float) -> None:
        """Delete the known videos, and then those that only the list contains.

        The list is read at once, so that the report can name them if the time is too short.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(delete_own(self._service), find_own(self._service))
                await delete_own(self._service)

    def _note_unprobed(self) -> None:
        count = sum(self._service.requests.values())
        self._findings.not_probed(
            "gateway-response",
            f"gateway responses occur by chance, and none of {count} requests had one",
        )
        if not self._complete:
            for probe in (*PROBES, *RATE_PROBES):
                for name in filter(self._findings.is_open, probe.answers):
                    self._findings.not_probed(name, "the check was interrupted")


def _reason(error: Exception) -> str:
    cause = first_failure(error) if isinstance(error, ExceptionGroup) else error
    if isinstance(cause, UndeterminedError | ApiVideoError):
        return (getattr(cause, "reason", "") or str(cause)).rstrip(".")
    return f"unexpected {type(cause).__name__}"


async def check(
    client: ApiVideoClient, options: CheckOptions | None = None, on_step: OnStep = lambda _: None
) -> ConformanceReport:
    """Check which assumptions of ``docs/conformance.md`` are true for the service of a client.

    It creates about a dozen small videos that carry the tag ``apivideo-conformance``, and deletes
    them, also when it is cancelled. It needs about 15 uploads, 30 writes and 30 reads within the
    request budget, and sends about 80 MiB, of which ``CheckOptions.largest`` is the largest part.
    Use a key of the sandbox, and run one check at a time. ``on_step`` is called with a text about
    each step.

    Raises ``AuthenticationError``, ``ApiConnectionError`` and other errors only if the first
    request fails.
    """
    return await Check(client, options or CheckOptions(), on_step).run()
