"""Other forms of the rate limit headers, and other windows (service.md#open-questions)."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from apivideo_async.emulator import Fault
from apivideo_async.emulator.rules.rate_headers import rate_headers
from apivideo_async.emulator.rules.rate_windows import Verdict
from apivideo_async.emulator.state.state import State

LIMIT, REMAINING, WAIT = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Retry-After",
)
NOW = datetime(2030, 1, 2, 3, 4, 5, 250_000, UTC)
END = int(datetime(2030, 1, 2, 3, 4, 36, tzinfo=UTC).timestamp())
ALLOWED = Verdict(True, 40, 12, 30.5, 60)
REFUSED = Verdict(False, 40, 0, 30.5, 60)
DATE = "Wed, 02 Jan 2030 03:04:36 GMT"


@pytest.mark.parametrize(
    ("style", "allowed", "refused"),
    [
        (None, ("40", "12", "31", None), ("40", "0", "31", None)),
        ("absent", (None,) * 4, (None,) * 4),
        ("partial", ("40", "12", None, None), ("40", "0", None, None)),
        ("zero", ("40", "12", "0", None), ("40", "0", "31", None)),
        ("timestamp", ("40", "12", str(END), None), ("40", "0", str(END), None)),
        ("standard", (None,) * 4, (None, None, None, "31")),
        ("standard-date", (None,) * 4, (None, None, None, DATE)),
        ("unlimited", ("-1", "-1", "0", None), ("-1", "-1", "31", None)),
    ],
)
def test_each_form_of_the_headers(style, allowed, refused):
    for verdict, values in ((ALLOWED, allowed), (REFUSED, refused)):
        headers = rate_headers(verdict, style, NOW)
        names = (LIMIT, REMAINING, WAIT, "Retry-After")
        assert tuple(headers.get(name) for name in names) == values
        assert set(headers) <= set(names)


@pytest.mark.parametrize("style", ["timestamp", "standard", "standard-date"])
async def test_a_429_in_another_form_names_a_sufficient_wait(start, style):
    api = await start(rate_limits={"reads": 1}, rate_window=0.5, quirks={"rate-headers": style})
    await api.send("GET", "/videos")
    refused = await api.send("GET", "/videos")
    assert refused.status == 429
    if style == "timestamp":
        assert 0 <= float(refused.headers[WAIT]) - time.time() <= 0.51
    elif style == "standard":
        assert refused.headers["Retry-After"] == "1"
    else:
        wait = parsedate_to_datetime(refused.headers["Retry-After"]).timestamp() - time.time()
        assert wait < 1.5


async def test_a_429_of_a_fault_has_the_form_too(api):
    api.emu.quirks["rate-headers"] = "standard"
    api.emu.faults.add(Fault("videos.list", "rate-limit", retry_after=7))
    refused = await api.send("GET", "/videos")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
    assert LIMIT not in refused.headers


@pytest.mark.parametrize(
    ("kind", "after_a_third", "at_the_end"), [("sliding", 0, 3), ("token-bucket", 1, 3)]
)
async def test_other_windows(start, monkeypatch, kind, after_a_third, at_the_end):
    """A sliding window is empty after its length; a bucket gets one third after one third."""
    now = 1000.0
    monkeypatch.setattr(State, "now", property(lambda state: now))
    api = await start(rate_limits={"reads": 3}, rate_window=30, quirks={"rate-window": kind})

    async def admitted():
        count = 0
        while (await api.send("GET", "/videos")).status == 200:
            count += 1
        return count

    assert await admitted() == 3
    now += 10
    assert await admitted() == after_a_third
    now += 30
    assert await admitted() == at_the_end
    del api.emu.quirks["rate-window"]
    assert await admitted() == 3, "the windows start again"
