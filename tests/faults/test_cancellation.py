"""A failed upload does not leave its caller's task in the state of a cancelled one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from apivideo_async import Source, UploadError
from apivideo_async.emulator import Fault
from tests.conftest import CHUNK

from .cases import client_of, emulator
from .test_matrix import LARGE, send


@pytest.mark.parametrize("kind", ["bytes", "part", "stream", "token"])
async def test_an_upload_that_fails_does_not_leave_its_caller_half_cancelled(kind: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    with emulator() as emu:
        async with client_of(emu) as client:
            token = (await client.upload_tokens.create()).token
            emu.faults.add(Fault("*", "status", status=500, nth=4, times=None))
            with pytest.raises(UploadError):
                await send(client, kind, token)
            assert task.cancelling() == 0


class Halting(Source):
    """Stands still for a moment, so that an early answer finds the body half written."""

    name, size = "halting", CHUNK

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        yield bytes(1_000)
        await asyncio.sleep(0.1)
        yield bytes(size - 1_000)


async def test_an_early_answer_after_a_failure_is_read() -> None:
    """While the task counts a cancellation, aiohttp raises that of its writer."""
    with emulator() as emu:
        async with client_of(emu) as client:
            token = (await client.upload_tokens.create()).token
            emu.faults.add(Fault("videos.upload", "status", status=500, nth=2, times=None))
            with pytest.raises(UploadError):
                await client.upload(LARGE, title="t")
            emu.faults.add(Fault("videos.upload_with_token", "reject-early", status=502))
            with pytest.raises(UploadError) as caught:
                await client.videos.upload_with_token(token, Halting())
            assert caught.value.status == 502
