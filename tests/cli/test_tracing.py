"""Traces and metrics of real commands, received by an OTLP/HTTP receiver in this test."""

import json
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import Cli

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
metrics_service = pytest.importorskip(
    "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2"
)


class Receiver:
    """Keeps the spans and the names of the metrics that it receives."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: set[str] = set()
        self.raw = b""

    def receive(self, path: str, body: bytes) -> None:
        self.raw += body
        if path == "/v1/traces":
            request = trace_service.ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        else:
            request = metrics_service.ExportMetricsServiceRequest.FromString(body)
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics |= {metric.name for metric in scope.metrics}

    def traces(self) -> dict[str, dict[str, list[Any]]]:
        """Return the spans by trace and name."""
        found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for span in self.spans:
            found[span.trace_id.hex()][span.name.removeprefix("apivideo.")].append(span)
        return found


def attributes_of(span: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


@pytest.fixture
def receiver(cli: Cli) -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = decompress(body)
            received.receive(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cli.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
        yield received
        server.shutdown()
        thread.join()


def test_one_trace_leads_from_enqueue_to_done(
    online: Cli, postgres_dsn: str, receiver: Receiver, make_file: Callable[..., Path]
) -> None:
    online.env["APIVIDEO_DATABASE_URL"] = postgres_dsn
    online("distributed", "init")
    paths = [str(make_file(f"{number}.mp4", 2_000)) for number in range(2)]
    online("distributed", "enqueue", *paths)
    with online.start("distributed", "worker") as worker:
        assert worker.stdout is not None
        uploaded = {worker.stdout.readline().split("\t")[0] for _ in paths}
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)
    items = {trace: spans for trace, spans in receiver.traces().items() if "item" in spans}
    assert len(items) == 2
    ids = set()
    for spans in items.values():
        [enqueued], [item], [upload], [chunk] = (
            spans[name] for name in ("enqueue", "item", "upload", "chunk")
        )
        assert enqueued.start_time_unix_nano < item.start_time_unix_nano
        # The parts of an item are inside each other.
        assert enqueued.parent_span_id == item.parent_span_id
        assert upload.parent_span_id == item.span_id
        assert chunk.parent_span_id == upload.span_id
        sent = [span for span in spans["request"] if span.parent_span_id == chunk.span_id]
        assert [attributes_of(span)["http.response.status_code"] for span in sent] == [201]
        assert attributes_of(enqueued)["apivideo.key"] == attributes_of(item)["apivideo.key"]
        assert attributes_of(item)["apivideo.outcome"] == "done"
        ids.add(attributes_of(item)["apivideo.video_id"])
    assert ids == uploaded
    names = {f"apivideo.{name}.duration" for name in ("item", "upload", "chunk", "request")}
    assert names | {"apivideo.uploaded"} <= receiver.metrics
    assert online.env["APIVIDEO_API_KEY"].encode() not in receiver.raw


def test_a_failed_item_is_an_error_without_its_message(
    online: Cli, receiver: Receiver, make_file: Callable[..., Path]
) -> None:
    path = make_file("empty.mp4", 1)
    path.write_bytes(b"")
    assert online("ingest", str(path)).code == 1
    [item] = [span for span in receiver.spans if span.name == "apivideo.item"]
    assert item.status.code == item.status.STATUS_CODE_ERROR
    assert item.status.message == "SourceError"


def test_a_receiver_that_is_down_is_a_note_and_does_not_fail_the_command(
    online: Cli, make_file: Callable[..., Path]
) -> None:
    online.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    path = make_file("a.mp4", 2_000)
    with online.start("ingest", path, "--log-format", "json") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    notes = [json.loads(line) for line in err.splitlines()]
    assert any(note.get("logger", "").startswith("opentelemetry") for note in notes)


def test_without_a_receiver_nothing_is_exported(
    online: Cli, make_file: Callable[..., Path]
) -> None:
    online.env.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    result = online("ingest", str(make_file("a.mp4", 2_000)))
    assert "OTLP" not in result.err
