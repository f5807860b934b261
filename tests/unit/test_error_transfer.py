"""Pickled and copied exceptions keep all their attributes, so they can leave a process."""

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from types import MappingProxyType
from typing import Any

import pytest

import apivideo_async
from apivideo_async import errors
from apivideo_async.emulator.rules.problems import RefusedError
from apivideo_async.errors import (
    ApiConnectionError,
    ApiTimeoutError,
    ApiVideoError,
    NotFoundError,
    Problem,
    RequestSummary,
    UploadError,
)
from apivideo_async.ingest.item_run import IngestResult
from apivideo_async.ingest.items import Item
from apivideo_async.models import from_json
from apivideo_async.uploads.ledger import Ledger
from tests.contract.operations import OPERATIONS, Operation

VALUES: dict[str, Any] = {
    "message": "text",
    "reason": "text",
    "option": "chunk_size",
    "status": 404,
    "slug": "resource-not-found",
    "problem": Problem(
        type="t", title="T", name="n", status=404, detail="d", range={"min": 1}, extra={"x": [1]}
    ),
    "problems": (Problem(type="t", extra={"y": None}),),
    "headers": MappingProxyType({"x-ratelimit-retry-after": "3"}),
    "body": b"body",
    "request": RequestSummary("GET", "/videos/vi1", "videos.get"),
    "delivery": "not_sent",
    "video_id": "vi1",
    "video_ids": ["vi1", "vi2"],
    "ledger": Ledger("bytes", 10, 30).snapshot(),
    "outcome": "unknown",
    "cause": "missing",
    "retryable": True,
    "item": Item(key="key", uri="/videos/a.mp4"),
}
"""An argument for every parameter of a constructor in the tree."""


def exception_classes() -> Iterator[type[BaseException]]:
    for module in pkgutil.walk_packages(apivideo_async.__path__, "apivideo_async."):
        if module.name.endswith("__main__") or "__pyinstaller" in module.name:
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(kind, type)
                and issubclass(kind, BaseException)
                and kind.__module__ == module.name
            ):
                yield kind


CLASSES = sorted(
    set(exception_classes()), key=lambda kind: f"{kind.__module__}.{kind.__qualname__}"
)
TREE = [kind for kind in CLASSES if issubclass(kind, ApiVideoError)]


def made(kind: type[BaseException]) -> BaseException:
    """An instance with every argument given, one attribute set later, and a note."""
    if not inspect.isfunction(kind.__init__):
        error = kind("text")
    else:
        given = {**VALUES, "problems": [(3, "no uri")]} if kind is errors.ManifestError else VALUES
        if kind is RefusedError:
            given = {"status": 404, "body": {"title": "T"}}
        first, *rest = inspect.signature(kind).parameters
        error = kind(given[first], **{name: given[name] for name in rest})
    error.extra = {"set": "later"}  # type: ignore[attr-defined]
    error.add_note("a note")
    return error


TRANSFERS: dict[str, Callable[[Any], Any]] = {
    **{
        f"pickle-{protocol}": lambda value, protocol=protocol: pickle.loads(
            pickle.dumps(value, protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def check(copied: BaseException, error: BaseException) -> None:
    assert type(copied) is type(error)
    assert (str(copied), repr(copied), copied.args) == (str(error), repr(error), error.args)
    assert vars(copied) == vars(error)
    properties = [
        name
        for kind in type(error).__mro__
        for name, value in vars(kind).items()
        if isinstance(value, property)
    ]
    assert [getattr(copied, name) for name in properties] == [
        getattr(error, name) for name in properties
    ]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_exception_survives_every_transfer(kind: type[BaseException]) -> None:
    for transfer in TRANSFERS.values():
        error = made(kind)
        copied = transfer(error)
        check(copied, error)
        assert copied is not error
        assert copied.__notes__ == ["a note"]


def test_the_whole_tree_is_tested() -> None:
    assert len(TREE) > 20
    assert set(TREE) >= {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ApiVideoError)
    }


def not_found() -> NotFoundError:
    return NotFoundError("gone", status=404, slug="resource-not-found")


def raised(error: ApiVideoError, cause: BaseException) -> ApiVideoError:
    try:
        raise error from cause
    except ApiVideoError as caught:
        return caught


@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
def test_a_cause_of_the_tree_is_kept_with_the_values_derived_from_it(
    transfer: Callable[[Any], Any],
) -> None:
    copied = transfer(raised(UploadError("text", video_id="vi1"), not_found()))
    assert (copied.status, copied.slug) == (404, "resource-not-found")
    assert isinstance(copied.__cause__, NotFoundError)
    assert copied.__cause__.status == 404
    copied.__cause__ = RuntimeError("a process pool puts the remote traceback here")
    assert (copied.status, copied.slug) == (404, "resource-not-found")


class UnpicklableError(Exception):
    def __reduce__(self) -> str:
        raise TypeError("no")


@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
def test_a_foreign_cause_is_left_behind(transfer: Callable[[Any], Any]) -> None:
    copied = transfer(raised(ApiConnectionError("text"), UnpicklableError("secret")))
    assert (str(copied), copied.__cause__) == ("text", None)


class TenantError(NotFoundError):
    __slots__ = ("slot",)

    def __init__(self, tenant: str, *, number: int) -> None:
        super().__init__(f"{tenant} has no video {number}", status=404)
        self.tenant = tenant
        self.slot = number


class OwnTimeoutError(ApiTimeoutError, LookupError):
    def __init__(self) -> None:
        super().__init__("fixed")


class BareError(UploadError):
    def __init__(self, *parts: str) -> None:
        ApiVideoError.__init__(self, *parts)


@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
@pytest.mark.parametrize(
    "error",
    [TenantError("t", number=3), OwnTimeoutError(), BareError("a", "b")],
    ids=lambda e: type(e).__name__,
)
def test_subclasses_with_constructors_of_their_own(
    error: ApiVideoError, transfer: Callable[[Any], Any]
) -> None:
    copied = transfer(error)
    check(copied, error)
    assert getattr(copied, "slot", None) == getattr(error, "slot", None)


def fail(kind: str) -> None:
    raise {"status": not_found(), "upload": UploadError("text", video_id="vi1")}[
        kind
    ] from not_found()


@pytest.mark.slow
def test_an_error_does_not_break_a_process_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        status = pool.submit(fail, "status").exception(30)
        upload = pool.submit(fail, "upload").exception(30)
        assert isinstance(status, NotFoundError)
        assert (status.status, str(status)) == (404, "gone")
        assert isinstance(upload, UploadError)
        assert (upload.video_id, upload.status, upload.slug) == ("vi1", 404, "resource-not-found")


def test_a_result_of_ingestion_crosses_processes_with_its_error() -> None:
    item = Item(key="k", uri="file:///a.mp4", size=1, version="v")
    copied = pickle.loads(
        pickle.dumps(IngestResult(item=item, outcome="failed", video_id="vi1", error=not_found()))
    )
    assert (copied.item, copied.outcome, copied.video_id) == (item, "failed", "vi1")
    assert copied.error.status == 404


@pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.model], ids=lambda row: row.name
)
def test_every_model_survives_every_transfer(operation: Operation) -> None:
    value = from_json(operation.answer, operation.model)
    for transfer in TRANSFERS.values():
        copied = transfer(value)
        assert copied == value
        assert repr(copied) == repr(value)
