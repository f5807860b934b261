"""Questions about rate limits: the form of the headers, and how the service counts requests.

Which kind of window the service has shows only when requests become available again. A fixed window
returns the whole limit at the announced time. A sliding window forgets each request a whole window
after it was sent, so recent requests remain counted. A token bucket returns one request
after the other, and announces the time of the next one only, which is a second or two.
"""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen

from ...rate_limit.headers import EARLIEST_UNIX_TIME, read_headers
from ..observations import UndeterminedError
from ..service import Answer, Service

__all__ = ["Sample", "bucket_or_window", "header_style", "headers", "window"]

MOST_READS = 110
"""Requests that are sent to receive a 429, if no header states a limit. The sandbox allows 100."""
_LIMIT, _REMAINING = "x-ratelimit-limit", "x-ratelimit-remaining"
_RETRY_AFTER = "x-ratelimit-retry-after"

LONGEST_TOKEN = 3.0
"""Seconds. A token bucket with a documented limit returns a request in less time."""
MOST_OTHERS = 2
"""Requests in a new window: the one that shows it, and one of another user of the key."""
SAMPLES = 12
PERIODS = 3
"""Announced waits over which the samples of a short window are distributed."""
FEW_COUNTED = 6
"""Between the 4 samples of one wait, which a sliding window counts, and the 9 that a token bucket
has not returned."""


async def headers(service: Service) -> None:
    """Look at the headers of all responses so far. Without any, send reads until a 429."""
    name = "rate-headers"
    style = header_style([answer for _, answer in service.answers])
    if style == "absent":
        for _ in range(MOST_READS):
            if (await _read(service, refusable=True)).status == 429:
                break
        style = header_style([answer for _, answer in service.answers])
    if style is None:
        limits = {
            request.limit_class: answer.headers.get(_LIMIT)
            for request, answer in service.answers
            if answer.ok
        }
        stated = ", ".join(f"{limit} {name}" for name, limit in limits.items())
        text = f"Responses state the remaining requests and seconds. The limits are {stated}."
        service.findings.agrees(name, text)
    else:
        reads = service.requests["reads"]
        service.findings.differs(name, _STYLES[style].format(reads=reads), style)


_STYLES = {
    "absent": "No response to {reads} reads has rate limit headers, nor a 429 if there was one.",
    "standard": "Only a 429 has a header, Retry-After in seconds.",
    "standard-date": "Only a 429 has a header, Retry-After with a date.",
    "unlimited": "The headers state a negative number.",
    "timestamp": "X-RateLimit-Retry-After is a Unix time.",
    "zero": "X-RateLimit-Retry-After is 0 in every successful response.",
    "partial": "Some of the three headers are missing.",
}


def header_style(answers: Sequence[Answer]) -> str | None:
    """Return the value of the quirk ``rate-headers``; None for the documented headers."""
    successful = [answer.headers for answer in answers if answer.ok]
    present = [one for one in successful if any(name in one for name in _NAMES)]
    if not present:
        refusals = [answer.headers for answer in answers if answer.status == 429]
        stated = [one["retry-after"] for one in refusals if "retry-after" in one]
        if not stated:
            return "absent"
        return "standard" if _is_number(stated[-1]) else "standard-date"
    if any(one.get(name, "").startswith("-") for one in present for name in (_LIMIT, _REMAINING)):
        return "unlimited"
    waits = [float(one[_RETRY_AFTER]) for one in present if _is_number(one.get(_RETRY_AFTER))]
    if any(wait > EARLIEST_UNIX_TIME for wait in waits):
        return "timestamp"
    if any(name not in one for one in present for name in _NAMES):
        return "partial"
    return None if any(waits) else "zero"


_NAMES = (_LIMIT, _REMAINING, _RETRY_AFTER)


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) >= 0
    except ValueError:
        return False


async def _read(service: Service, *, refusable: bool = False) -> Answer:
    return await service.get("/videos", refusable=refusable, tags=[service.tag], pageSize=1)


@frozen
class Sample:
    """What a response says about the window of reads."""

    limit: int
    remaining: int
    wait: float
    """Seconds until requests become available."""

    @property
    def counted(self) -> int:
        """Requests that the service counts at the moment."""
        return self.limit - self.remaining


async def window(service: Service) -> None:
    """Find out which kind of window the reads have."""
    name, options = "rate-window", service.options
    if not options.window:
        service.findings.not_probed(name, "the time to wait for the end of a window is 0")
        return
    earlier = [
        sample
        for request, answer in service.answers
        if request.limit_class == "reads" and (sample := _sample_of(answer)) is not None
    ]
    if not earlier:
        raise UndeterminedError("the headers do not state requests and seconds")
    longest = max(sample.wait for sample in earlier)
    if longest > LONGEST_TOKEN:
        await _observe_end(service)
        return
    pause = PERIODS * longest / SAMPLES
    samples = [await _take_sample(service)]
    while len(samples) < SAMPLES:
        await asyncio.sleep(pause)
        samples.append(await _take_sample(service))
    kind = bucket_or_window(samples, whole_seconds=longest.is_integer())
    if kind is None:
        text = f"The whole limit of {samples[-1].limit} requests is available again at once."
        service.findings.agrees(name, text)
    else:
        service.findings.differs(name, _KINDS[kind], kind)


_KINDS = {
    "sliding": "Requests become available one window after earlier ones were sent.",
    "token-bucket": "Requests become available one after the other.",
}


def bucket_or_window(samples: Sequence[Sample], *, whole_seconds: bool) -> str | None:
    """Return the value of the quirk ``rate-window``; None for a fixed window.

    The samples are distributed over three of the announced waits. ``whole_seconds``: the headers
    have no fractions, so that short waits are not exact. Raises ``UndeterminedError``.
    """
    pairs = pairwise(samples)
    returned = [after.counted for before, after in pairs if after.counted <= before.counted]
    if not returned:
        raise UndeterminedError("no request became available again")
    if len(returned) > 2 * len(samples) / 3 and max(returned) <= MOST_OTHERS:
        return "token-bucket"
    if max(returned) <= MOST_OTHERS:
        return None
    # A sliding window of whole seconds announces longer waits.
    bucket = whole_seconds or samples[-1].counted > FEW_COUNTED
    return "token-bucket" if bucket else "sliding"


async def _observe_end(service: Service) -> None:
    """Wait for the announced time, and count the requests that are still not available."""
    for _ in range(2):
        first = await _take_sample(service)
    # These are sent later than the requests that the announced time is about.
    margin = 1.0 if first.wait.is_integer() else 0.05
    await asyncio.sleep(min(5.0, max(2 * margin, 0.2 * first.wait)))
    recent = 3
    for _ in range(recent):
        last = await _take_sample(service)
    if last.wait > service.options.window:
        raise UndeterminedError(f"the window ends only in {last.wait:.0f} s")
    service.say(f"waiting {last.wait:.0f} s for the end of a window of the rate limit")
    await asyncio.sleep(last.wait + margin)
    after = await _take_sample(service)
    if after.counted <= MOST_OTHERS:
        text = f"After {last.wait:.0f} s, the whole limit of {after.limit} requests was available."
        service.findings.agrees("rate-window", text)
    elif after.counted > recent:
        service.findings.differs("rate-window", _KINDS["sliding"], "sliding")
    else:
        raise UndeterminedError("others use the same key at the moment")


async def _take_sample(service: Service) -> Sample:
    sample = _sample_of(await _read(service))
    if sample is None:
        raise UndeterminedError("a response has no rate limit headers")
    return sample


def _sample_of(answer: Answer) -> Sample | None:
    # A Unix time is compared with the header ``Date``.
    read = read_headers(answer.headers)
    if read is None or read.limit is None or read.remaining is None or not read.retry_after:
        return None
    return Sample(read.limit, read.remaining, read.retry_after)
