"""The point at which observers attach to the package: spans of work.

The client, uploads and ingestion open a span for each request, chunk, upload and item. Without an
observer, this costs one function call. ``telemetry`` contains the observers: OpenTelemetry and
Prometheus. Observers apply to the whole process, as the providers of OpenTelemetry do.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final, Literal, Protocol, TypeAlias

__all__ = ["Observer", "Span", "SpanName", "add_observer", "observed", "observing", "trace_id_of"]

SpanName: TypeAlias = Literal["enqueue", "item", "upload", "chunk", "request"]


class Span(Protocol):
    """One piece of work in progress."""

    def set(self, **attributes: Any) -> None:
        """Add attributes that became known during the work."""
        ...


class Observer(Protocol):
    """Records spans."""

    def span(
        self, name: SpanName, attributes: Mapping[str, Any], trace_id: str | None
    ) -> AbstractContextManager[Span]:
        """Return the context of one piece of work. An exception passes through it unchanged.

        ``trace_id``: the trace to which the span belongs (32 hexadecimal digits). None: the span is
        a part of the current one.
        """
        ...


class _Unobserved:
    """A span that is recorded nowhere, and its context."""

    def __enter__(self) -> "_Unobserved":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set(self, **attributes: Any) -> None:
        pass


class _Spans:
    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans

    def set(self, **attributes: Any) -> None:
        for span in self._spans:
            span.set(**attributes)


_UNOBSERVED: Final = _Unobserved()
_observers: list[Observer] = []


def add_observer(observer: Observer) -> Callable[[], None]:
    """Attach an observer; return the function that removes it."""
    _observers.append(observer)

    def remove() -> None:
        if observer in _observers:
            _observers.remove(observer)

    return remove


def observing() -> bool:
    """Return True if an observer is attached."""
    return bool(_observers)


def observed(
    name: SpanName, *, trace_id: str | None = None, **attributes: Any
) -> AbstractContextManager[Span]:
    """Return the context of one piece of work, for all observers."""
    if not _observers:
        return _UNOBSERVED
    return _all(name, trace_id, attributes)


@contextmanager
def _all(name: SpanName, trace_id: str | None, attributes: Mapping[str, Any]) -> Any:
    with ExitStack() as opened:
        spans = [
            opened.enter_context(observer.span(name, attributes, trace_id))
            for observer in list(_observers)
        ]
        yield _Spans(spans)


def trace_id_of(mark: str, key: str) -> str:
    """Return the trace of an item in the ledger with this mark.

    The program that enqueues an item, and every worker that processes it, compute the same id. The
    trace therefore survives lost jobs and taken-over leases, and neither table has a column for it.
    Its bits are uniformly distributed, so samplers by trace id work as usual.
    """
    return hashlib.sha256(f"{mark} {key}".encode()).hexdigest()[:32]
