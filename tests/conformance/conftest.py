"""Checks of an emulator with limits scaled down, which take a fraction of a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from apivideo_async import ApiVideoClient
from apivideo_async.conformance import Check, CheckOptions, ConformanceReport, Observation
from apivideo_async.emulator import Emulator
from tests.conftest import CHUNK, QUICK, options

QUICK_CHECK: dict[str, Any] = {
    "settle": 2.0,
    "late": 0.8,
    "pause": 1.0,
    "window": 0,
    "largest": 8 * CHUNK,
}


@asynccontextmanager
async def service(*quirks: str, **settings: Any) -> AsyncIterator[tuple[Emulator, ApiVideoClient]]:
    async with Emulator(min_chunk=CHUNK, quirks=quirks, **settings) as emu, client_of(emu) as made:
        yield emu, made


def client_of(emu: Emulator, **arguments: Any) -> ApiVideoClient:
    given = {"retry": QUICK, "upload": options(), **arguments}
    return ApiVideoClient(emu.api_key, base_url=emu.url, **given)


def quick(client: ApiVideoClient, **changes: Any) -> Check:
    return Check(client, CheckOptions(**{**QUICK_CHECK, **changes}))


def by_name(report: ConformanceReport) -> dict[str, Observation]:
    """The observations of the questions with a quirk."""
    return {one.assumption.quirks[0]: one for one in report.observations if one.assumption.quirks}


def nothing_is_left(emu: Emulator) -> bool:
    return not emu.state.videos and not emu.state.live_streams
