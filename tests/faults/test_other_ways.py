"""Faults that break connections, over TLS and on uvloop, which report other errors."""

import asyncio
from typing import Any

import pytest

from apivideo_async import UploadError
from apivideo_async.emulator import Fault
from tests.ways import certificates, run

from .cases import client_of, emulator, fault_of, nothing_left, until_open
from .test_matrix import PLACES, SECONDS, assert_one_video, data, mend, send


@pytest.mark.parametrize(
    "fault", ["reset-during", "drop-response", "stall too long", "reject-early"]
)
@pytest.mark.parametrize("kind", ["bytes", "part", "token", "stream", "whole"])
@pytest.mark.parametrize(
    ("loop", "tls"),
    [("asyncio", True), ("uvloop", False), ("uvloop", True)],
    ids=["asyncio tls", "uvloop plain", "uvloop tls"],
)
def test_one_video_or_an_error_that_can_be_mended(
    caplog: pytest.LogCaptureFixture, loop: str, tls: bool, kind: str, fault: str
) -> None:
    theirs, ours = certificates() if tls else (None, None)
    operation = "videos.upload_with_token" if kind == "token" else "videos.upload"
    place: dict[str, Any] = {"nth": 1} if kind == "whole" else PLACES["middle"]

    async def main() -> str | None:
        await until_open(emu)  # With its first connection uvloop opens a descriptor that it keeps.
        async with nothing_left(caplog):
            async with client_of(emu, ssl_context=ours) as client, asyncio.timeout(SECONDS):
                token = (await client.upload_tokens.create()).token
                emu.faults.add(Fault(operation, **place, **fault_of(fault)))
                try:
                    return await send(client, kind, token)
                except UploadError as error:
                    return await mend(client, kind, token, error)

    with emulator(ssl_context=theirs) as emu:
        video_id = run(loop, main())
        assert sum(fault.fired for fault in emu.faults) == 1
        assert_one_video(emu, data(kind), video_id, extra=False)
