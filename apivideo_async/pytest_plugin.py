"""Fixtures for projects that use this package: a local api.video for their tests.

Loaded by pytest when the package is installed; needs ``apivideo-async[emulator]``.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["apivideo_emulator", "apivideo_env"]


@pytest.fixture
def apivideo_emulator() -> "Iterator[Emulator]":
    """Run an empty emulator in a thread of its own, for sync and async tests alike."""
    from .emulator import Emulator

    with Emulator().in_thread() as emulator:
        yield emulator


@pytest.fixture
def apivideo_env(apivideo_emulator: "Emulator", monkeypatch: pytest.MonkeyPatch) -> "Emulator":
    """Point ``APIVIDEO_*`` to an emulator, so that ``ApiVideoClient()`` in the code under test talks to it."""
    monkeypatch.setenv("APIVIDEO_API_KEY", apivideo_emulator.api_key)
    monkeypatch.setenv("APIVIDEO_BASE_URL", apivideo_emulator.url)
    return apivideo_emulator
