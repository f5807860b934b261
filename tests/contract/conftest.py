"""A client in front of a recording server."""

from collections.abc import AsyncIterator

import pytest

from apivideo_async import ApiVideoClient
from tests.conftest import QUICK
from tests.contract.recorder import Recorder


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    server = await recorder.serve()
    yield recorder
    await server.close()


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[ApiVideoClient]:
    async with ApiVideoClient("key", base_url=recorder.url, retry=QUICK) as made:
        yield made
