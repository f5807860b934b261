"""Questions about the order of chunks, and about several chunks at once."""

import asyncio
from typing import Any

from attrs import define, field

from ..layout import Layout
from ..observations import UndeterminedError
from ..service import Answer, Service
from ..watching import watch

__all__ = ["order"]

FULL = 3
"""Chunks of the full size. At most two or three of them are sent."""
PAUSE = 0.05
"""Seconds between the first half of one chunk and another chunk."""


async def order(service: Service) -> None:
    """Send the last chunk of a file first, and then two chunks at the same time."""
    if service.known.mode is None:
        raise UndeterminedError("the service accepts no chunks")
    video_id = await service.create_readable("order")
    probe = _Order(service, video_id, Layout(service.known.mode, service.known.chunk, FULL))
    await probe.last_first()
    await probe.two_at_once()
    await probe.adjacent_ranges()


@define(eq=False)
class _Order:
    service: Service
    video_id: str
    layout: Layout
    _accepted: list[int] = field(factory=list, init=False)
    """Numbers of the accepted chunks."""
    _in_order: bool = field(default=False, init=False)

    async def _send(self, number: int, **options: Any) -> Answer:
        header, size = self.layout.content_range(number), self.layout.size(number)
        answer = await self.service.upload(self.video_id, header, size, **options)
        if answer.accepted:
            self._accepted.append(number)
        return answer

    async def _expect(self, number: int) -> None:
        answer = await self._send(number)
        if not answer.accepted:
            raise UndeterminedError(f"chunk {number} was refused: {answer}")

    async def last_first(self) -> None:
        """Send the last chunk before the others. If it is refused, send it after the first one."""
        findings = self.service.findings
        refused = await self._send(FULL + 1)
        if refused.accepted:
            text = "The last chunk was accepted before all others."
            findings.agrees("chunks-in-order", text)
            findings.agrees("first-chunk-first", text)
            return
        await self._expect(1)
        text = f"The last chunk was refused with {refused} before the first one"
        if (await self._send(FULL + 1)).accepted:
            text += ", and accepted after it."
            findings.differs("first-chunk-first", text, refused.status, chunk_order="first_alone")
            findings.agrees("chunks-in-order", "The last chunk was accepted after the first one.")
            return
        self._in_order = True
        text += ", and also after it."
        findings.differs("chunks-in-order", text, refused.status, chunk_order="sequential")
        findings.undetermined("first-chunk-first", "chunks must arrive in order")

    async def two_at_once(self) -> None:
        """Hold back the second half of a chunk, and send the next chunk in the meantime."""
        name, findings = "one-chunk-at-a-time", self.service.findings
        if self._in_order:
            findings.undetermined(name, "chunks must arrive in order, so one at a time")
            await self._expect(2)
            return
        slow, quick = (2, 3) if 1 in self._accepted else (1, 2)
        other, waited = await self._overlap(slow, quick)
        if other.accepted and not waited:
            text = "A chunk was accepted while another one was being received."
            findings.agrees(name, text)
        elif other.accepted:
            text = "A chunk was not answered before another one was received completely."
            findings.differs(name, text, "wait", chunk_order="sequential")
        else:
            await self._expect(quick)
            text = f"A chunk was refused with {other} while another one was being received."
            findings.differs(name, text, other.status, chunk_order="sequential")

    async def _overlap(self, slow: int, quick: int) -> tuple[Answer, bool]:
        """Return the answer to ``quick``, and whether it came only after the end of ``slow``."""
        hold, half = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._send(slow, hold=hold, half_sent=half.set))
            begun = group.create_task(half.wait())
            await asyncio.wait({first, begun}, return_when=asyncio.FIRST_COMPLETED)
            begun.cancel()
            await asyncio.sleep(PAUSE)
            second = group.create_task(self._send(quick, refusable=True))
            await self._wait_while_sending(second)
            waited, early = not second.done(), first.done()
            hold.set()
        if early or not first.result().accepted:
            raise UndeterminedError(f"chunk {slow} was answered with {first.result()}")
        return second.result(), waited

    async def _wait_while_sending(self, task: "asyncio.Task[Answer]") -> None:
        """Wait for an answer, until no byte has been sent for some time."""
        # On a slow connection, the chunk leaves this machine later than it left the process. A
        # service may also stop reading it.
        patience = max(self.service.options.pause, 2 * self.service.known.chunk_seconds)
        before = -1
        while before != self.service.bytes_sent and not task.done():
            before = self.service.bytes_sent
            await asyncio.wait({task}, timeout=patience)

    async def adjacent_ranges(self) -> None:
        """Read how the status lists two adjacent byte ranges."""
        name, findings = "status-merged-ranges", self.service.findings
        if self.layout.mode != "bytes":
            raise UndeterminedError("byte ranges are not accepted")
        if findings.state("status-without-ranges") == "differs":
            raise UndeterminedError("the status does not list the chunks")
        expected = sum(map(self.layout.size, set(self._accepted)))
        ranges: list[tuple[int, int]] = []

        async def shows_all() -> bool:
            nonlocal ranges
            ingest = await self.service.ingest(self.video_id)
            ranges = _ranges(ingest)
            return sum(end - start + 1 for start, end in ranges) == expected

        shown = await watch(shows_all, self.service.options.settle)
        if shown.seen is None:
            raise UndeterminedError("the status does not show the accepted chunks")
        text = f"{len(set(self._accepted))} accepted chunks are listed as {len(ranges)} ranges."
        if len(ranges) < len(set(self._accepted)):
            findings.differs(name, text)
        else:
            findings.agrees(name, text)


def _ranges(ingest: dict[str, Any]) -> list[tuple[int, int]]:
    listed = ingest.get("receivedBytes")
    return [
        (int(each["from"]), int(each["to"]))
        for each in (listed if isinstance(listed, list) else [])
    ]
