"""What the tests here share: less waiting, and collections of garbage that cost little."""

import gc
from collections.abc import Iterator

import pytest

from apivideo_async.http import authenticator
from apivideo_async.rate_limit import pace
from apivideo_async.rate_limit import window as rate_limit

from .cases import BLIND


@pytest.fixture(scope="module", autouse=True)
def _cheap_collections() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _short_cool_down(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rate_limit, authenticator):
        monkeypatch.setattr(module, "BLIND_COOL_DOWN", BLIND)
    monkeypatch.setattr(pace, "DOCUMENTED_WINDOW", 4 * BLIND)
