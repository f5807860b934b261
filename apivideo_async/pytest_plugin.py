"""Pytest fixtures for projects that use this package: a local emulator of api.video.

Pytest loads this module if the package is installed. The fixtures need
``apivideo-async[emulator]``.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["apivideo_emulator", "apivideo_env"]


@pytest.fixture
def apivideo_emulator() -> "Iterator[Emulator]":
    """Run an empty emulator in its own thread, for sync and async tests."""
    from .emulator import Emulator

    with Emulator().in_thread() as emulator:
        yield emulator


@pytest.fixture
def apivideo_env(
    apivideo_emulator: "Emulator",
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> "Emulator":
    """Set ``APIVIDEO_API_KEY`` and ``APIVIDEO_BASE_URL`` so that clients connect to an emulator.

    ``ApiVideoClient()`` in the tested code then needs no arguments. ``APIVIDEO_ENVIRONMENT``
    is removed, and the state of clients, such as idempotency keys, is kept in a temporary folder.
    """
    monkeypatch.delenv("APIVIDEO_ENVIRONMENT", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("apivideo-state")))
    monkeypatch.setenv("APIVIDEO_API_KEY", apivideo_emulator.api_key)
    monkeypatch.setenv("APIVIDEO_BASE_URL", apivideo_emulator.url)
    return apivideo_emulator
