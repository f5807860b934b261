"""Runs the examples as their users do: settings from the environment, the emulator as api.video."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from apivideo_async.emulator import Emulator

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    """An emulator in a thread. The environment names it and a temporary state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("APIVIDEO_ENVIRONMENT", raising=False)
    with Emulator().in_thread() as running:
        monkeypatch.setenv("APIVIDEO_BASE_URL", running.url)
        monkeypatch.setenv("APIVIDEO_API_KEY", running.api_key)
        yield running


@pytest.fixture
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Import an example by its path; each test gets a fresh module."""
    loaded: list[str] = []

    def by_path(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loaded.append(name)
        spec.loader.exec_module(module)
        return module

    yield by_path
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[str, int], Path]:
    """Write a file of a size whose bytes differ everywhere."""

    def make(name: str, size: int) -> Path:
        seed = name.encode().ljust(61, b"-")
        path = tmp_path / name
        blocks = (seed + number.to_bytes(3, "big") for number in range(-(-size // 64)))
        path.write_bytes(b"".join(blocks)[:size])
        return path

    return make
