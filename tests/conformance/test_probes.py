"""For each quirk of the emulator, and each of its values, the check names it."""

from itertools import count
from typing import Any

import pytest

from apivideo_async import ServiceProfile
from apivideo_async.emulator.quirks.catalogue import CATALOGUE
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

from .conftest import by_name, client_of, nothing_is_left, quick, service

SLOW_WINDOW = {"rate_limits": {"reads": 60, "writes": 200, "uploads": 200}, "rate_window": 4.0}
NUMBERS = {
    "minimum-chunk": (2 * CHUNK, 3 * CHUNK),
    "largest-request": (CHUNK + 20_000, 5 * CHUNK),
}
DELAY = 0.4


def orders() -> list[str]:
    """Every quirk with every value."""
    texts: list[str] = []
    for quirk in CATALOGUE.values():
        values: tuple[Any, ...] = quirk.choices or NUMBERS.get(quirk.name, (DELAY,))
        texts += [quirk.name] if quirk.kind == "flag" else [f"{quirk.name}={v}" for v in values]
    return texts


def named(order: str) -> str:
    """The quirk that the check reports."""
    name, _, value = order.partition("=")
    if name == "gateway-response" and value.isdigit():
        return f"{order}-before"
    if name == "minimum-chunk":
        return f"{name}={2 * CHUNK if value == str(2 * CHUNK) else 4 * CHUNK}"
    if name == "largest-request":
        return f"{name}={4 * CHUNK if value == str(5 * CHUNK) else CHUNK}"
    return order


QUICK = {
    "chunks-in-order=409",
    "one-chunk-at-a-time=423",
    "first-chunk-first=404",
    "no-byte-ranges",
    "no-parts",
    "no-unknown-totals",
    f"minimum-chunk={2 * CHUNK}",
    f"largest-request={5 * CHUNK}",
    "upload-response=308",
    "status-number-strings",
    "metadata-modified",
    "rate-headers=timestamp",
    "gateway-response=404-after",
    "delivered-twice",
    "private-urls",
}
"""A representative part for `make test`."""


@pytest.mark.parametrize(
    "order",
    [pytest.param(each, marks=() if each in QUICK else pytest.mark.slow) for each in orders()],
)
async def test_each_quirk_is_detected(order: str) -> None:
    name = order.partition("=")[0]
    kind = CATALOGUE[name].kind
    changes = {"window": 10, "largest": 0} if name == "rate-window" else {}
    settings = SLOW_WINDOW if order.startswith(("rate-window", "rate-headers=standard")) else {}
    async with service(order, **settings) as (emu, client):
        report = await quick(client, **changes).run()
        assert nothing_is_left(emu)
    assert report.complete
    found = by_name(report)[name]
    assert found.state == "differs", found
    if kind == "seconds":
        assert found.quirk is not None
        # The value is an upper bound of the delay.
        assert float(found.quirk.partition("=")[2]) >= DELAY, found
        assert report.quirks == (found.quirk,)
    else:
        assert report.quirks == (named(order),), found


def test_the_quick_part_names_existing_quirks() -> None:
    assert set(orders()) >= QUICK


PROFILES = {
    "chunks-in-order=409": {"chunk_order": "sequential"},
    "one-chunk-at-a-time=409": {"chunk_order": "sequential"},
    "one-chunk-at-a-time=wait": {"chunk_order": "sequential"},
    "first-chunk-first=409": {"chunk_order": "first_alone"},
    "no-byte-ranges": {"byte_ranges": False},
    "no-parts": {"parts": False},
    "no-unknown-totals": {"unknown_totals": False},
    f"minimum-chunk={2 * CHUNK}": {"smallest_chunk": 2 * CHUNK},
    f"largest-request={5 * CHUNK}": {"largest_chunk": 4 * CHUNK},
    "status-without-ranges": {"status_lists_chunks": False},
    "list-ignores-metadata": {"filters_metadata": False},
    "metadata-modified": {"keeps_metadata": False},
    "delivered-twice": {"delivers_once": False},
}


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(each, marks=() if each == "no-byte-ranges" else pytest.mark.slow)
        for each in PROFILES
    ],
)
async def test_an_upload_starts_adapted_with_the_saved_profile(
    caplog: pytest.LogCaptureFixture, order: str
) -> None:
    data, keys = data_of(9 * CHUNK + 1_000), count()
    async with service(order) as (emu, client):
        report = await quick(client).run()
        assert report.profile.to_json() == PROFILES[order]
        report.save()
        caplog.clear()
        emu.requests.clear()
        size = None if "largest" in order or "minimum" in order else CHUNK
        async with client_of(emu, profile=ServiceProfile.saved(emu.url)) as adapted:
            for source in (data, blocks_of(data, 50_000)):
                how = options(chunk_size=size, memory=20 * CHUNK)
                video = await adapted.upload(
                    source, title="t", options=how, idempotency_key=f"k{next(keys)}"
                )
                assert emu.sha256(video.video_id) == sha256(data)
    assert [vars(record)["quirk"] for record in caplog.records if "quirk" in vars(record)] == []
    refused = [each for each in emu.requests if each.status is None or each.status >= 400]
    assert refused == [] or order == "delivered-twice"
