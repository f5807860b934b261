"""Makes the requests of an ingestion with aiohttp only. Arguments: as for ingest.py.

It keeps no ledger. For a file it searches for the key, creates the video and sends the file. For
a URL it requests the URL twice, searches, creates the video and polls the status until the video
is fetched. These are the same requests that ``Ingest`` makes. Prints seconds and CPU seconds.
"""

import asyncio
import hashlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import aiohttp

LOOK_AGAIN = 0.25


class Loop:
    """Workers that process sources until none is left."""

    def __init__(
        self, session: aiohttp.ClientSession, sources: Iterator[str], strategy: str
    ) -> None:
        self._session = session
        self._sources = sources
        self._bring = self._pull if strategy == "pull" else self._stream
        self._fetched_at: deque[tuple[float, str, str]] = deque()

    async def work(self) -> None:
        while True:
            if self._fetched_at and self._fetched_at[0][0] <= time.monotonic():
                await self._look(*self._fetched_at.popleft()[1:])
            elif source := next(self._sources, None):
                await self._bring(source)
            elif self._fetched_at:
                await asyncio.sleep(0.01)
            else:
                return

    async def _json(self, method: str, path: str, **given: object) -> dict[str, object]:
        async with self._session.request(method, path, **given) as answer:  # type: ignore[arg-type]
            answer.raise_for_status()
            return await answer.json()

    async def _create(self, source: str, /, **fields: str) -> str:
        key = hashlib.sha256(source.encode()).hexdigest()[:40]
        found = await self._json("GET", "/videos", params={"metadata[ingestKey]": key})
        assert not found["data"]
        metadata = [{"key": "ingestKey", "value": key}]
        title = source.rpartition("/")[2]
        video = await self._json(
            "POST", "/videos", json={"title": title, "metadata": metadata, **fields}
        )
        return str(video["videoId"])

    async def _stream(self, source: str) -> None:
        video_id = await self._create(source)
        form = aiohttp.FormData()
        path = Path(source)
        form.add_field("file", path.read_bytes(), filename=path.name, content_type="video/mp4")
        await self._json("POST", f"/videos/{video_id}/source", data=form)

    async def _pull(self, source: str) -> None:
        for _ in range(2):
            await self._size(source)
        await self._look(await self._create(source, source=source), source)

    async def _look(self, video_id: str, source: str) -> None:
        status = await self._json("GET", f"/videos/{video_id}/status")
        if status["ingest"]["status"] != "ingested":  # type: ignore[index]
            self._fetched_at.append((time.monotonic() + LOOK_AGAIN, video_id, source))

    async def _size(self, source: str) -> None:
        async with self._session.get(source, headers={"Range": "bytes=0-0"}) as answer:
            answer.raise_for_status()
            await answer.read()


def sources_of(what: Path) -> Iterator[str]:
    if what.is_dir():
        return (str(path) for path in sorted(what.iterdir()))
    return (json.loads(line)["uri"] for line in what.read_text().splitlines())


async def main() -> None:
    what, strategy, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    base, key = os.environ["APIVIDEO_BASE_URL"], os.environ["APIVIDEO_API_KEY"]
    async with aiohttp.ClientSession(base) as session:
        async with session.post("/auth/api-key", json={"apiKey": key}) as answer:
            session.headers["Authorization"] = f"Bearer {(await answer.json())['access_token']}"
        loop, began, cpu = (
            Loop(session, sources_of(what), strategy),
            time.perf_counter(),
            time.process_time(),
        )
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(loop.work())
    print(
        json.dumps(
            {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        )
    )


asyncio.run(main())
