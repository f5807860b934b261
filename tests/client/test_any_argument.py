"""Whatever the arguments are, only errors of this package leave a public call.

The exceptions are an unknown keyword argument, which is a ``TypeError`` as in any Python function,
and exceptions that a callback of the caller raises.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async import (
    UNSET,
    ApiVideoClient,
    ApiVideoError,
    Paginator,
    RetryPolicy,
    ServiceProfile,
    Timeouts,
    UploadItem,
    UploadLimits,
    UploadOptions,
)
from apivideo_async.emulator import Emulator
from apivideo_async.ingest import IngestOptions, Item, Stores, make_item
from tests.conftest import CHUNK, options
from tests.contract.operations import OPERATIONS, Operation

ONCE = RetryPolicy(attempts=1, settle=0.01)
UNKNOWN_NAME = ("unexpected", "required", "has no argument", "have no field", "no fields")

texts = st.text(st.characters()) | st.sampled_from(
    ["", " ", ".", "..", "a\0b", "\ud83d", "\udcff.mp4", "a\r\nX-Evil: 1", "x" * 5000, "\x1b[31m"]
)
simple = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.binary(max_size=20)
    | st.sampled_from([UNSET, 2**70, object(), int, Path("\0"), Path("/"), 1j, ..., range(3)])
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.sampled_from(
        [datetime.max, timedelta.max, Decimal("nan"), {"a"}, iter([1]), bytearray(b"a")]
    )
)
anything = st.recursive(
    simple,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.integers() | st.none(), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=5,
)


class World:
    """An emulator in a thread, and a client in an event loop that all examples share."""

    def __init__(self, emulator: Emulator, runner: asyncio.Runner) -> None:
        self.url, self.runner = emulator.url, runner
        self.client = ApiVideoClient(
            emulator.api_key, base_url=emulator.url, retry=ONCE, upload=options(), auth="basic"
        )

    def check(self, call: Callable[[], Any]) -> None:
        """Make a call and wait for its result. Fails for a foreign exception."""

        async def make() -> None:
            async with asyncio.timeout(60):
                result = call()
                if isinstance(result, Paginator):
                    await result.first()
                elif inspect.isawaitable(result):
                    await result
                elif hasattr(result, "__aiter__"):
                    async for _ in result:
                        pass

        try:
            self.runner.run(make())
        except ApiVideoError as error:
            str(error).encode()
        except TypeError as error:
            if not any(text in str(error) for text in UNKNOWN_NAME):
                raise


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Emulator(min_chunk=CHUNK).in_thread() as emulator, asyncio.Runner() as runner:
        made = World(emulator, runner)
        yield made
        runner.run(made.client.aclose())


@st.composite
def changed_calls(draw: Any) -> tuple[Operation, list[Any], dict[str, Any]]:
    """An operation with valid arguments, of which one or two are replaced by anything."""
    operation = draw(st.sampled_from(OPERATIONS))
    positional, named = list(operation.arguments), dict(operation.options)
    places = [*range(len(positional)), *named, "extra_body", "extra_query"]
    for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=2)):
        if isinstance(place, int):
            positional[place] = draw(anything)
        else:
            named[place] = draw(anything)
    return operation, positional, named


@given(call=changed_calls())
def test_every_operation(world: World, call: Any) -> None:
    operation, positional, named = call
    world.check(lambda: operation.method(world.client)(*positional, **named))


SMALL = b"x" * 100


def many(world: World, **item: Any) -> Any:
    return world.client.upload_many([UploadItem(**{"source": SMALL, **item})])


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "upload": (
        lambda world, **given: world.client.upload(**given),
        {"source": SMALL, "title": "t", "filename": "a", "options": None, "idempotency_key": None},
    ),
    "upload_many": (
        lambda world, **given: world.client.upload_many(**given),
        {"items": [SMALL], "concurrency": 1, "on_result": None},
    ),
    "UploadItem": (
        many,
        {"source": SMALL, "title": "t", "filename": "a", "options": None, "fields": {}},
    ),
    "request": (
        lambda world, **given: world.client.request(**given),
        {"method": "GET", "path": "/videos", "query": {}, "json": UNSET, "headers": {}},
    ),
    "budget": (lambda world, limit: world.client.budget(limit), {"limit": "reads"}),
    "to_list": (lambda world, limit: world.client.videos.list().to_list(limit), {"limit": 1}),
    "with_options": (
        lambda world, **given: world.client.with_options(**given).videos.list(),
        {"timeouts": None, "retry": ONCE, "upload": None, "before_request": None},
    ),
    "wait_until_playable": (
        lambda world, **given: world.client.videos.wait_until_playable(**given),
        {"video_id": "vi1", "timeout": 0.01, "probe": False},
    ),
    "open_private_session": (
        lambda world, video: world.client.videos.open_private_session(video),
        {"video": None},
    ),
    "unwrap": (
        lambda world, **given: world.client.webhooks.unwrap(**given),
        {"body": b"{}", "headers": {"X-Api-Video-Signature": "a"}, "secret": "s"},
    ),
    "make_item": (
        lambda _, **given: make_item(**given),
        {"uri": "http://127.0.0.1:1/a.mp4", "version": None, "strategy": "stream", "title": "t"},
    ),
    "Stores": (
        lambda _, **given: Stores(**given).aclose(),
        {"redirects": "any", "proxy": None, "trust_env": False, "ssl_context": None},
    ),
    "Item": (
        lambda _, **given: Item(**given) and None,
        {"key": "a", "uri": "/a", "size": 1, "version": None, "fields": {}, "strategy": "pull"},
    ),
}


@st.composite
def changed_arguments(draw: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    call, arguments = CALLS[draw(st.sampled_from(sorted(CALLS)))]
    return call, {**arguments, draw(st.sampled_from(sorted(arguments))): draw(anything)}


@given(call=changed_arguments())
def test_every_other_call(world: World, call: Any) -> None:
    method, arguments = call
    world.check(lambda: method(world, **arguments))


OBJECTS = (Timeouts, RetryPolicy, UploadLimits, UploadOptions, IngestOptions, ServiceProfile)
CLIENT = [name for name in inspect.signature(ApiVideoClient.__init__).parameters if name != "self"]
SETTINGS = [(kind, field.name) for kind in OBJECTS for field in attrs.fields(kind)] + [
    (ApiVideoClient, name) for name in CLIENT
]


@given(setting=st.sampled_from(SETTINGS), value=anything)
def test_every_setting(world: World, setting: tuple[Any, str], value: Any) -> None:
    kind, name = setting

    async def use() -> None:
        if kind is ApiVideoClient:
            given = {"api_key": "some-key", "base_url": world.url, "retry": ONCE, name: value}
            async with ApiVideoClient(**given) as client:
                # Another server may be a setting, and so may no request at all.
                if name not in ("base_url", "environment", "timeouts", "auth"):
                    await client.videos.list()
            return
        made: Any = kind(**{name: value})
        if kind is UploadLimits:
            made = UploadOptions(limits=made)
        if isinstance(made, UploadOptions):
            await world.client.upload(SMALL, title="t", options=made)

    world.check(use)
