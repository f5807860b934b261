"""Uploads one file with this package and prints its times. Arguments: FILE OPTIONS-AS-JSON.

``sending`` is the time from the start of the first upload request to the end of the last response.
``call`` is the time of ``client.upload``, which also signs in, creates the video and checks at the
end that the server holds every byte.
"""

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any

import aiohttp

from apivideo_async import ApiVideoClient, UploadOptions


class Stopwatch:
    """Records when the first upload request starts and the last one ends."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.ended = 0.0
        self.requests = 0
        self.tracing = aiohttp.TraceConfig()
        self.tracing.on_request_start.append(self._start)
        self.tracing.on_request_end.append(self._end)

    async def _start(self, _: aiohttp.ClientSession, __: SimpleNamespace, request: Any) -> None:
        if request.url.path.endswith("/source"):
            self.requests += 1
            self.began = self.began or asyncio.get_running_loop().time()

    async def _end(self, _: aiohttp.ClientSession, __: SimpleNamespace, request: Any) -> None:
        if request.url.path.endswith("/source"):
            self.ended = asyncio.get_running_loop().time()


async def main() -> None:
    watch, clock = Stopwatch(), asyncio.get_running_loop().time
    options = UploadOptions(**json.loads(sys.argv[2]))
    async with ApiVideoClient(upload=options, trace_configs=[watch.tracing]) as client:
        began = clock()
        await client.upload(sys.argv[1], title="bench")
        call = clock() - began
    assert watch.began is not None
    print(
        json.dumps({"sending": watch.ended - watch.began, "call": call, "requests": watch.requests})
    )


asyncio.run(main())
