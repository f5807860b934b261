"""OpenTelemetry spans and metrics of requests, chunks, uploads and items (extra ``otel``).

``instrument()`` uses the providers that the program has configured. ``exporting()`` is for the
command line: it configures providers as the variables ``OTEL_*`` say.

No attribute contains a header, a body, the query of an address, or the message of an error, which
may quote one of them.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from opentelemetry import metrics, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from .._version import __version__
from ..observing import SpanName, add_observer

__all__ = ["exporting", "instrument", "requested"]

ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
METRIC_ATTRIBUTES: Final = ("operation", "limit_class", "status", "outcome", "error.type")
"""Attributes with few values. Those of spans also contain keys and ids."""
KINDS: Final[Mapping[str, SpanKind]] = {
    "enqueue": SpanKind.PRODUCER,
    "item": SpanKind.CONSUMER,
    "request": SpanKind.CLIENT,
}


def requested(variables: Mapping[str, str] = os.environ) -> bool:
    """Return True if the variables name an OTLP receiver and do not disable the SDK."""
    disabled = variables.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(variables.get(name) for name in ENDPOINTS)


def instrument(
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> Callable[[], None]:
    """Record the spans and metrics of this process; return the function that ends this.

    The default is the global provider of OpenTelemetry. If none is configured, nothing is recorded.
    """
    return add_observer(_Observer(tracer_provider, meter_provider))


class _Span:
    def __init__(self, span: trace.Span, attributes: dict[str, Any]) -> None:
        self._span = span
        self.attributes = attributes

    def set(self, **attributes: Any) -> None:
        known = {name: value for name, value in attributes.items() if value is not None}
        self.attributes.update(known)
        self._span.set_attributes(_named(known))


class _Observer:
    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None,
        meter_provider: metrics.MeterProvider | None,
    ) -> None:
        self._tracer = trace.get_tracer("apivideo_async", __version__, tracer_provider)
        meter = metrics.get_meter("apivideo_async", __version__, meter_provider)
        self._durations = {
            name: meter.create_histogram(f"apivideo.{name}.duration", "s", f"Duration of {text}.")
            for name, text in (
                ("request", "a request, from its first byte to its response"),
                ("chunk", "an attempt to send a chunk"),
                ("upload", "an upload"),
                ("item", "an attempt to ingest an item"),
            )
        }
        self._bytes = meter.create_counter(
            "apivideo.uploaded", "By", "Bytes of chunks that the server accepted."
        )

    @contextmanager
    def span(
        self, name: SpanName, attributes: Mapping[str, Any], trace_id: str | None
    ) -> Iterator[_Span]:
        known = {key: value for key, value in attributes.items() if value is not None}
        context, links = None, []
        if trace_id is not None:
            context = _remote_parent(trace_id)
            current = trace.get_current_span().get_span_context()
            # Such as the request of a web backend that enqueues the item.
            links = [Link(current)] if current.is_valid else []
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"apivideo.{name}",
            context,
            KINDS.get(name, SpanKind.INTERNAL),
            _named(known),
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            span = _Span(opened, known)
            try:
                yield span
            except BaseException as error:
                kind = type(error).__name__
                known["error.type"] = kind
                opened.set_attribute("error.type", kind)
                if isinstance(error, Exception):
                    opened.set_status(Status(StatusCode.ERROR, kind))
                raise
            else:
                if known.get("outcome") in ("failed", "quarantined"):
                    opened.set_status(Status(StatusCode.ERROR, known.get("failure")))
                if name == "chunk":
                    self._bytes.add(known["size"])
            finally:
                self._measure(name, known, time.perf_counter() - began)

    def _measure(self, name: SpanName, known: Mapping[str, Any], seconds: float) -> None:
        if name in self._durations:
            labels = {key: known[key] for key in METRIC_ATTRIBUTES if key in known}
            self._durations[name].record(seconds, _named(labels))


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with the names of OpenTelemetry, or of this package."""
    names = {"status": "http.response.status_code", "method": "http.request.method"}
    return {
        names.get(name, name if "." in name else f"apivideo.{name}"): value
        for name, value in attributes.items()
    }


def _remote_parent(trace_id: str) -> Any:
    """Return a context in this trace. Its parent is never recorded: it only names the trace."""
    parent = SpanContext(
        int(trace_id, 16) or 1,
        int(trace_id[16:], 16) or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(NonRecordingSpan(parent))


@asynccontextmanager
async def exporting() -> AsyncIterator[None]:
    """Export spans and metrics of the block over OTLP/HTTP, as the variables ``OTEL_*`` say."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES replace this name.
    names = {} if _names_service() else {SERVICE_NAME: "apivideo"}
    resource = Resource.create(names)
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    remove = instrument(tracers, meters)
    try:
        yield
    finally:
        remove()
        # Both wait for the receiver, for some seconds if it is down.
        await asyncio.gather(
            asyncio.to_thread(tracers.shutdown), asyncio.to_thread(meters.shutdown)
        )


def _names_service() -> bool:
    variables = os.environ
    attributes = variables.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return "OTEL_SERVICE_NAME" in variables or "service.name=" in attributes
