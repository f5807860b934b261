"""Questions about chunks: their form, size and total, the responses, and the status between them.

A refusal does not say which property of a chunk is refused, because error types may differ from the
documented ones. An upload that begins without a total tests all properties if it is accepted. If
not, each one is tested alone: the form by a small file as the only chunk, the size by a chunk with
the total, and the total by the difference.
"""

import asyncio
from typing import Any

from attrs import define, field

from ...config import Mode
from ..layout import Layout
from ..observations import SENT_AGAIN, UndeterminedError
from ..service import SMALL, Answer, Service
from ..watching import watch
from .statuses import report_numbers, report_status_delay

__all__ = ["chunks"]

LARGER = (2, 4, 8)
"""Factors of the documented smallest chunk size that are tried if it is refused."""
ABSENT = 1.0
"""Seconds after which a status without any list of chunks counts as one that never has it."""
_FORMS = (("no-byte-ranges", "byte_ranges", "byte range"), ("no-parts", "parts", "part number"))


async def chunks(service: Service) -> None:
    """Upload a small file as one byte range, and a file of two chunks as parts, else as ranges."""
    ranges = await _accepts_form(service, "bytes")
    parts = await _Upload(service, "part").run()
    if not (parts or ranges):
        raise UndeterminedError("chunks are refused in any form")
    for accepted, (quirk, setting, what) in zip((ranges, parts), _FORMS, strict=True):
        if accepted:
            service.findings.agrees(quirk, f"A chunk that states a {what} was accepted.")
        else:
            text = f"Every chunk that states a {what} was refused."
            service.findings.differs(quirk, text, **{setting: False})
    # The status of byte ranges shows most, so later probes prefer them.
    service.known.mode = "bytes" if ranges else "part"
    if not parts:
        await _Upload(service, "bytes").run()


async def _accepts_form(service: Service, mode: Mode) -> bool:
    """Upload a small file as the only chunk."""
    video_id, _ = await service.create(f"one chunk, {mode}")
    layout = Layout(mode, service.known.chunk, 0)
    return (await service.upload(video_id, layout.content_range(1), SMALL)).accepted


@define(eq=False)
class _Upload:
    """A file of two chunks, the second of which is small."""

    service: Service
    _mode: Mode
    _layout: Layout = field(init=False)
    _video_id: str = field(default="", init=False)
    _first: Answer = field(init=False)
    _ingest: dict[str, Any] = field(factory=dict, init=False)

    async def _start(self, chunk: int, *, total: bool) -> bool:
        """Send the first chunk to a new video. Returns whether it was accepted."""
        self._layout = Layout(self._mode, chunk, 1)
        self._video_id = await self.service.create_readable(f"two chunks, {self._mode}")
        self._first = first = await self._send(1, total=total)
        if first.status == 413:
            text = f"A request with {chunk:,} bytes was refused with {first}."
            self.service.findings.differs("largest-request", text, chunk)
            raise UndeterminedError("a gateway refuses chunks as too large")
        return first.accepted

    async def _send(self, number: int, *, total: bool = True) -> Answer:
        layout = self._layout
        header = layout.content_range(number, total=total)
        return await self.service.upload(self._video_id, header, layout.size(number))

    async def run(self) -> bool:
        """Send all chunks. Returns False if the form is refused in any case."""
        findings, known = self.service.findings, self.service.known
        if await self._start(known.chunk, total=False):
            await self._observe_status()
            last = await self._send(2)
            if last.accepted:
                findings.agrees("no-unknown-totals", "A chunk without a total was accepted.")
                self._report_size()
                await self._finish(last)
                return True
            # A chunk without a total may be the last one, which may be small.
            refusal = f"could not be followed by the last chunk: {last}"
        elif not await _accepts_form(self.service, self._mode):
            return False
        else:
            refusal = f"was refused with {self._first}"
        await self._with_total(refusal)
        return True

    async def _with_total(self, refusal: str) -> None:
        """Send the chunks with the total. Find out whether the total or the size was the cause."""
        findings, smallest = self.service.findings, self.service.known.chunk
        for factor in (1, *LARGER):
            if await self._start(smallest * factor, total=True):
                break
        else:
            sizes = f"{smallest:,} to {self._layout.chunk:,}"
            raise UndeterminedError(f"chunks of {sizes} bytes are refused: {self._first}")
        self._report_size()
        await self._observe_status()
        # The total is known by now, so this chunk need not state it.
        last = await self._send(2, total=False)
        text = f"A chunk without a total {refusal}; with the total, it was accepted."
        if not last.accepted:
            text = (
                f"The last chunk was refused with {last} without the total, and accepted with it."
            )
            last = await self._send(2)
        elif self._layout.chunk > smallest:
            text = ""
            findings.agrees("no-unknown-totals", "A chunk without a total was accepted.")
        if not last.accepted:
            raise UndeterminedError(f"the last chunk was refused: {last}")
        if text:
            findings.differs("no-unknown-totals", text, unknown_totals=False)
        await self._finish(last)

    def _report_size(self) -> None:
        known, size = self.service.known, self._layout.chunk
        known.chunk_seconds = self._first.seconds
        if size == known.chunk:
            text = f"A chunk of {size:,} bytes was accepted."
            self.service.findings.agrees("minimum-chunk", text)
        else:
            text = f"A chunk of {size:,} bytes was accepted, smaller ones were refused."
            self.service.findings.differs("minimum-chunk", text, size, smallest_chunk=size)
            known.chunk = size

    async def _finish(self, last: Answer) -> None:
        """Observe the responses, and send the last chunk once more."""
        findings = self.service.findings
        self._report_responses(last)
        again = await self._send(2)
        text = f"The same chunk, sent again, was answered with {again}."
        if again.ok:
            findings.differs(SENT_AGAIN, text)
        else:
            findings.agrees(SENT_AGAIN, text)

    async def _observe_status(self) -> None:
        findings = self.service.findings
        clock = asyncio.get_running_loop().time
        began = clock()

        async def lists_chunk() -> bool:
            self._ingest = await self.service.ingest(self._video_id)
            listed = _listed(self._ingest, self._mode)
            without = bool(self._ingest) and listed is None
            return bool(listed) or (without and clock() - began >= ABSENT)

        shown = await watch(lists_chunk, self.service.options.settle)
        if self._ingest and _listed(self._ingest, self._mode) is None:
            text = "The status does not list the received chunks."
            findings.differs("status-without-ranges", text, status_lists_chunks=False)
            return
        report_status_delay(self.service, shown)
        if shown.seen is None:
            findings.undetermined("status-without-ranges", "the status does not show the chunk")
            return
        findings.agrees("status-without-ranges", "The status lists the received chunks.")
        report_numbers(self.service, self._ingest)

    def _report_responses(self, last: Answer) -> None:
        name, style = "upload-response", response_style(self._first, last)
        if style is None and (self._first.already or last.already):
            self.service.findings.undetermined(name, "a chunk had to be sent again")
        elif style is None:
            text = f"The chunks were answered with {self._first.status} and {last.status}."
            self.service.findings.agrees(name, text)
        else:
            self.service.findings.differs(name, _STYLES[style], style)


def _listed(ingest: dict[str, Any], mode: Mode) -> list[Any] | None:
    """Return the received chunks; None if the status has no list."""
    value = ingest.get("receivedParts" if mode == "part" else "receivedBytes")
    if isinstance(value, dict):
        value = value.get("parts")
    return value if isinstance(value, list) else None


_STYLES = {
    "308": "A chunk that does not complete the upload was answered with 308.",
    "204": "Accepted chunks were answered with 204.",
    "202": "Accepted chunks were answered with 202.",
    "empty": "The response to an accepted chunk has no videoId.",
    "full": "The response to a chunk that does not complete the upload has the full video.",
    "id": "The response to the chunk that completes the upload has only the videoId.",
}


def response_style(first: Answer, last: Answer) -> str | None:
    """Return the value of the quirk ``upload-response``; None if there is none.

    ``first`` is the response to the first of several chunks, ``last`` that to the last one.
    Refusals of a chunk that had been stored before say nothing.
    """
    answers = [answer for answer in (first, last) if not answer.already]
    statuses = {answer.status for answer in answers}
    for status in (308, 204, 202):
        if status in statuses:
            return str(status)
    if any("videoId" not in answer.json() for answer in answers):
        return "empty"
    if not first.already and "title" in first.json():
        return "full"
    if not last.already and "title" not in last.json():
        return "id"
    return None
