"""Questions about new videos, lists and metadata; a creation whose connection is closed."""

import asyncio
import secrets
from typing import Any

import attrs
from attrs import define, field

from ...protocol.request import path_for
from ..service import Answer, Service
from ..watching import Watched, watch

__all__ = ["creations"]

LATE = 0.1
"""Seconds. A request that takes effect earlier after its connection was closed is not late."""
METADATA = "A value with Capitals"
USUAL, CLOSED = "creation", "creation whose connection is closed"
"""The purposes of the two videos."""


async def creations(service: Service) -> None:
    """Create one video whose connection is closed, and one as usual. Observe both in the list."""
    probe = _Creations(service)
    await service.send_and_close(
        lambda on_sent: attrs.evolve(service.creation(CLOSED), on_body_sent=on_sent)
    )
    closed = asyncio.get_running_loop().time()
    video_id, answer = await service.create(
        USUAL, metadata=[{"key": "conformance", "value": METADATA}]
    )
    service.known.small_seconds = answer.seconds
    _compare_metadata(service, answer)
    settle, late = service.options.settle, service.options.late
    async with asyncio.TaskGroup() as group:
        readable = group.create_task(watch(lambda: _is_readable(service, video_id), settle))
        listed = group.create_task(watch(probe.sees_usual, settle))
        lost = group.create_task(watch(probe.sees_closed, settle + late, since=closed))
        await asyncio.wait({readable, listed})
        # The closed creation needs as long as the usual one to appear in the list.
        await asyncio.wait({lost}, timeout=late)
        lost.cancel()
    service.known.new_video_delay = readable.result().delay
    service.known.list_delay = listed.result().delay
    readable_text = "and its status could be read"
    _report_delay(service, "new-video-delay", readable.result(), readable_text)
    _report_delay(service, "list-delay", listed.result(), "was in the list")
    waited = asyncio.get_running_loop().time() - closed
    _report_lost(service, Watched(waited, None) if lost.cancelled() else lost.result())
    _report_copies(service, answer, probe.copies)
    await _check_filter(service, listed.result())


@define(eq=False)
class _Creations:
    """Looks for the two videos in the list."""

    _service: Service
    copies: int = field(default=0, init=False)
    """How often the list contains the usual video."""

    async def sees_usual(self) -> bool:
        return self._service.title(USUAL) in await self._titles()

    async def sees_closed(self) -> bool:
        return self._service.title(CLOSED) in await self._titles()

    async def _titles(self) -> list[Any]:
        titles = [video.get("title") for video in await self._service.tagged()]
        self.copies = titles.count(self._service.title(USUAL))
        return titles


async def _is_readable(service: Service, video_id: str) -> bool:
    path = path_for("/videos/{video_id}", video_id=video_id)
    return all([(await service.get(each)).ok for each in (path, f"{path}/status")])


def _compare_metadata(service: Service, answer: Answer) -> None:
    stored = answer.json().get("metadata")
    sent = [{"key": "conformance", "value": METADATA}]
    if stored is None:
        service.findings.undetermined("metadata-modified", "the response contains no metadata")
    elif stored == sent:
        service.findings.agrees("metadata-modified", "A value was stored as it was sent.")
    else:
        text = f"{sent} was stored as {str(stored)[:200]}."
        service.findings.differs("metadata-modified", text, keeps_metadata=False)


def _report_delay(service: Service, name: str, delayed: Watched, done: str) -> None:
    text = f"A new video {done} {delayed}."
    if delayed.at_once:
        service.findings.agrees(name, text)
    else:
        service.findings.differs(name, text, delayed.value)


def _report_lost(service: Service, lost: Watched) -> None:
    name, known = "late-creation", service.known
    if lost.seen is None:
        text = f"A creation whose connection was closed was not executed ({lost})."
        if known.list_delay >= service.options.settle:
            service.findings.undetermined(name, "new videos do not appear in the list")
        else:
            service.findings.agrees(name, text)
        return
    usual = LATE + 3 * known.small_seconds + known.list_delay
    if (lost.absent or 0.0) <= usual:
        service.findings.agrees(name, "A creation whose connection was closed was executed.")
        return
    text = f"A creation whose connection was closed was in the list {lost}."
    service.findings.differs(name, text, lost.value)


def _report_copies(service: Service, answer: Answer, copies: int) -> None:
    name = "delivered-twice"
    if copies == 1:
        service.findings.agrees(name, "One creation request created one video.")
    elif not copies:
        service.findings.undetermined(name, "the new video does not appear in the list")
    elif answer.repeated:
        service.findings.undetermined(name, "the creation had to be sent twice")
    else:
        text = f"One creation request created {copies} videos."
        service.findings.differs(name, text, delivers_once=False)


async def _check_filter(service: Service, listed: Watched) -> None:
    """List the videos with a metadata value that none has."""
    name = "list-ignores-metadata"
    wanted = {"conformance": secrets.token_hex(8)}
    answer = await service.get("/videos", metadata=wanted, pageSize=1)
    found = answer.json().get("data")
    if not answer.ok or not isinstance(found, list):
        service.findings.undetermined(name, f"the filtered list was answered with {answer}")
    elif found:
        text = "A list with a filter that no video matches contains videos."
        service.findings.differs(name, text, filters_metadata=False)
    elif listed.seen is None:
        service.findings.undetermined(name, "new videos do not appear in the list")
    else:
        service.findings.agrees(name, "A list with a filter that no video matches is empty.")
