"""Fixtures of all tests: an emulator with limits scaled down, and a client that retries quickly."""

import hashlib
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, settings

from apivideo_async import ApiVideoClient, RetryPolicy, UploadLimits, UploadOptions
from apivideo_async.emulator import Emulator

pytest_plugins = ["tests.buckets", "tests.postgres", "tests.s3"]

# Property tests run the same examples every time; ``--hypothesis-profile=default`` explores others.
# ``make slow`` runs them again with the profile "thorough".
REPEATABLE = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", REPEATABLE, max_examples=25, stateful_step_count=20)
settings.register_profile("thorough", REPEATABLE, max_examples=200, stateful_step_count=40)

CHUNK = 64 * 1024
"""The smallest chunk in these tests, in place of 5 MiB."""
LIMITS = UploadLimits(smallest_chunk=CHUNK)
REFUSED = {"status": 400, "body": {"type": "x/uploaded-file-invalid-file", "title": "No."}}
"""What a fault ``status`` takes to refuse a chunk for good."""
QUICK = RetryPolicy(first_delay=0.01, longest_delay=0.05, attempts=5, seconds=20, settle=0.4)
BRIEF = attrs.evolve(QUICK, seconds=1.0, outage=1.0, call_outage=1.0)
"""For requests that never get a response."""


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Shells start background jobs with SIGINT ignored. Programs that tests start and interrupt
        # would inherit this.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick")


def options(**changes: object) -> UploadOptions:
    given: dict[str, object] = {"chunk_size": CHUNK, "limits": LIMITS, **changes}
    return UploadOptions(**given)  # type: ignore[arg-type]


def data_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def blocks_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.fixture(autouse=True)
def _own_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes a journal into the home of whoever runs it, or takes settings from there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("API_KEY", "BASE_URL", "ENVIRONMENT", "WEBHOOK_SECRET"):
        monkeypatch.delenv(f"APIVIDEO_{name}", raising=False)


@pytest.fixture
async def emu() -> AsyncIterator[Emulator]:
    async with Emulator(min_chunk=CHUNK) as emulator:
        yield emulator


@pytest.fixture
async def client(emu: Emulator) -> AsyncIterator[ApiVideoClient]:
    async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK, upload=options()) as made:
        yield made
