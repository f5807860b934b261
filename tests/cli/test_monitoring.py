"""``--listen``: health checks and metrics of real commands, checked by promtool."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from .conftest import Cli, Process

pytest.importorskip("prometheus_client")


def get(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def listening(process: Process) -> str:
    """Return the address that the process has written."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        if found := re.match(r"metrics: (http://127\.0\.0\.1:\d+)/metrics", line):
            return found[1]
        lines.append(line)
    raise AssertionError("".join(lines))


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@contextmanager
def running_worker(online: Cli) -> Any:
    with online.start("distributed", "worker", "--listen", "0") as worker:
        try:
            yield worker
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=30)


def test_a_worker_serves_health_checks_and_metrics(
    online: Cli, postgres_dsn: str, make_file: Callable[..., Path]
) -> None:
    online.env["APIVIDEO_DATABASE_URL"] = postgres_dsn
    online("distributed", "init")
    gone = make_file("gone.mp4", 2_000)
    online("distributed", "enqueue", make_file("good.mp4", 3_000), gone)
    gone.unlink()
    with running_worker(online) as worker:
        address = listening(worker)
        assert get(f"{address}/healthz") == (200, "ok\n")
        assert worker.stdout is not None
        worker.stdout.readline()
        assert worker.stderr is not None
        assert "gone.mp4" in worker.stderr.readline()
        assert get(f"{address}/readyz") == (200, "ok\n")
        found: dict[str, float] = {}
        deadline = time.monotonic() + 60
        # Workers exchange the request budget through the database.
        while 'apivideo_request_budget_limit{limit_class="uploads"}' not in found:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
            text = get(f"{address}/metrics")[1]
            found = samples(text)
    assert found['apivideo_ingest_items{cause="",state="done"}'] == 1
    assert found['apivideo_ingest_items{cause="missing",state="skipped"}'] == 1
    assert found['apivideo_ingest_items_bytes{cause="",state="done"}'] == 3_000
    assert found["apivideo_uploaded_bytes_total"] == 3_000
    assert found['apivideo_requests_total{limit_class="uploads",status="201"}'] == 1
    assert found['apivideo_rate_limited_requests_total{limit_class="uploads"}'] == 0
    assert found['apivideo_request_budget_limit{limit_class="uploads"}'] > 0
    assert found["apivideo_ingest_workers"] == 1
    assert found["apivideo_ingest_oldest_open_item_age_seconds"] == 0
    assert online.env["APIVIDEO_API_KEY"] not in text
    check_format(text)


def check_format(text: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_watched_folder_serves_metrics(online: Cli, make_file: Callable[..., Path]) -> None:
    path = make_file("a.mp4", 2_000)
    command = ("ingest", path.parent, "--watch", "--settle", "0", "--jsonl", "--listen", "0")
    with online.start(*command) as process:
        address = listening(process)
        assert process.stdout is not None
        process.stdout.readline()
        found = samples(get(f"{address}/metrics")[1])
        assert get(f"{address}/readyz") == (200, "ok\n")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert found['apivideo_ingest_attempts_total{outcome="done"}'] == 1


@pytest.mark.parametrize("address", ["host", "127.0.0.1:", "127.0.0.1:99999", "1:-1"])
def test_an_address_without_a_port_is_refused(online: Cli, address: str) -> None:
    result = online("ingest", ".", "--listen", address)
    assert result.code == 2
    assert "is not HOST:PORT" in result.error_line


def test_a_used_port_is_reported(online: Cli, make_file: Callable[..., Path]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        result = online("ingest", make_file("a.mp4", 2_000), "--listen", f"127.0.0.1:{port}")
    assert result.code == 1
    assert f"port {port} of 127.0.0.1 is in use" in result.err
