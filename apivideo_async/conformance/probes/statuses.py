"""Questions about an upload in one request, and a chunk whose connection is closed."""

import asyncio
from typing import Any

from attrs import define, field

from ..observations import UndeterminedError
from ..service import SMALL, Service
from ..watching import Watched, watch

__all__ = [
    "closed_upload",
    "report_numbers",
    "report_status_delay",
    "whole_upload",
]

LATE = 0.1
"""Seconds. A request that takes effect earlier after its connection was closed is not late."""


@define(eq=False)
class _Status:
    """Reads the status of one video."""

    _service: Service
    _video_id: str
    ingest: dict[str, Any] = field(factory=dict, init=False)
    """As it was read last; empty if the status shows nothing."""

    async def shows_upload(self) -> bool:
        self.ingest = await self._service.ingest(self._video_id)
        return bool(self.ingest)

    async def has_ended(self) -> bool:
        return await self.shows_upload() and self.ingest.get("status") != "uploading"


async def whole_upload(service: Service) -> None:
    """Upload a small file in one request, and read its status until it is complete."""
    video_id = await service.create_readable("one request")
    answer = await service.upload(video_id, None, SMALL)
    if not answer.accepted:
        raise UndeterminedError(f"a file of {SMALL} bytes was refused: {answer}")
    service.known.small_seconds = answer.seconds
    status, clock = _Status(service, video_id), asyncio.get_running_loop().time
    shown = await watch(status.shows_upload, service.options.settle)
    report_status_delay(service, shown)
    if shown.seen is None:
        raise UndeterminedError("the status does not show the upload")
    began = clock()
    ended = Watched(None, 0.0)
    if status.ingest.get("status") == "uploading":
        ended = await watch(status.has_ended, service.options.settle, since=began)
        ended = Watched(ended.absent or 0.0, ended.seen)
    _report_uploading(service, ended, status.ingest)
    if ended.seen is None:
        raise UndeterminedError('the status remains "uploading"')
    _report_size(service, status.ingest)
    report_numbers(service, status.ingest)


def report_status_delay(service: Service, shown: Watched) -> None:
    """Record when the status showed a chunk that had been accepted."""
    service.known.status_delay = max(service.known.status_delay, shown.delay)
    text = f"The status showed accepted bytes {shown}."
    if shown.at_once:
        service.findings.agrees("status-delay", text)
    else:
        service.findings.differs("status-delay", text, shown.value)


def _report_uploading(service: Service, ended: Watched, ingest: dict[str, Any]) -> None:
    name = "status-uploading"
    if ended.at_once:
        text = f'The status of a complete upload was "{ingest.get("status")}" at once.'
        service.findings.agrees(name, text)
    else:
        text = f'The status of a complete upload was no longer "uploading" {ended}.'
        service.findings.differs(name, text, ended.value)


def _report_size(service: Service, ingest: dict[str, Any]) -> None:
    size = ingest.get("filesize")
    if size is None:
        service.findings.differs("status-without-size", "The status states no file size.")
    else:
        service.findings.agrees("status-without-size", f"The status states {size} bytes.")


def report_numbers(service: Service, ingest: dict[str, Any]) -> None:
    """Record whether the numbers of a status are numbers."""
    if _has_number_texts(ingest):
        service.findings.differs("status-number-strings", "Numbers in the status are texts.")
    elif "filesize" in ingest or any(ingest.values()):
        service.findings.agrees("status-number-strings", "Numbers in the status are numbers.")


def _has_number_texts(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_number_texts, value.values()))
    if isinstance(value, list):
        return any(map(_has_number_texts, value))
    return isinstance(value, str) and value.isdecimal()


async def closed_upload(service: Service) -> None:
    """Send a small file, close the connection before the response, and look at the status."""
    name, known = "late-chunk", service.known
    video_id = await service.create_readable("upload whose connection is closed")
    await service.send_and_close(
        lambda on_sent: service.upload_request(video_id, None, SMALL, on_sent=on_sent)
    )
    status = _Status(service, video_id)
    shown = await watch(status.shows_upload, service.options.late + known.status_delay)
    if shown.seen is None and known.status_delay >= service.options.settle:
        raise UndeterminedError("the status does not show accepted chunks")
    if shown.seen is None:
        text = f"A chunk whose connection was closed was not stored ({shown})."
        service.findings.agrees(name, text)
    elif (shown.absent or 0.0) <= LATE + 3 * known.small_seconds + known.status_delay:
        service.findings.agrees(name, "A chunk whose connection was closed was stored.")
    else:
        text = f"A chunk whose connection was closed was in the status {shown}."
        service.findings.differs(name, text, shown.value)
