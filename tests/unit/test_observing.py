"""Spans reach all observers, and none when there is none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from apivideo_async.observing import add_observer, observed, observing, trace_id_of


class Recorder:
    def __init__(self) -> None:
        self.spans: list[tuple[str, dict[str, Any], str | None]] = []

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Any], trace_id: str | None) -> Iterator[Any]:
        self.attributes = dict(attributes)
        try:
            yield self
        finally:
            self.spans.append((name, self.attributes, trace_id))

    def set(self, **attributes: Any) -> None:
        self.attributes.update(attributes)


def test_without_an_observer_all_spans_are_the_same_object() -> None:
    assert not observing()
    assert observed("item") is observed("request", operation="x")
    with observed("item") as span:
        span.set(outcome="done")


def test_every_observer_sees_the_span_also_after_an_error() -> None:
    one, two = Recorder(), Recorder()
    remove = [add_observer(one), add_observer(two)]
    try:
        assert observing()
        with pytest.raises(KeyError), observed("chunk", trace_id="ab", size=1) as span:
            span.set(more=2)
            raise KeyError
    finally:
        for each in remove:
            each()
            each()  # A repetition does nothing.
    assert one.spans == two.spans == [("chunk", {"size": 1, "more": 2}, "ab")]
    assert not observing()


def test_the_trace_of_an_item_depends_on_its_ledger_and_key() -> None:
    assert trace_id_of("mark", "key") == trace_id_of("mark", "key")
    assert (
        len({trace_id_of("mark", "key"), trace_id_of("mark", "k2"), trace_id_of("m2", "key")}) == 3
    )
    assert len(trace_id_of("mark", "key")) == 32
