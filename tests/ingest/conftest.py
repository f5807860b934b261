"""What tests of sources share."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from apivideo_async.ingest.items import Item
from apivideo_async.ingest.stores.stores import Stores
from tests.s3 import BUCKET

from .ingesting import ledger, make_items

__all__ = ["BUCKET", "ledger", "make_items"]


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    async with Stores() as made:
        yield made


def an_item(uri: str, **about: Any) -> Item:
    return Item(key="key", uri=uri, **about)


async def bytes_of(source: Any, start: int, size: int) -> bytes:
    return b"".join([bytes(block) async for block in source.read(start, size)])


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a web server with one handler for everything; its address."""
    runners = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
