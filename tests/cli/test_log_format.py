"""``--log-format json``: every line on the standard error is a JSON object."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.cli.console.logs import show_logs
from apivideo_async.cli.console.terminal import Terminal
from apivideo_async.emulator import Emulator, Fault

from .conftest import Cli, unchanged_logging


def lines(err: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in err.splitlines()]
    for line in found:
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert line["level"] in ("debug", "info", "warning", "error")
    return found


def test_records_have_the_fields_of_their_events(
    online: Cli, emu: Emulator, make_file: Callable[..., Path]
) -> None:
    emu.faults.add(Fault("videos.upload", "status", status=503))
    result = online("ingest", make_file("a.mp4", 2_000), "--log-format", "json")
    assert result.code == 0, result
    events = {line["event"]: line for line in lines(result.err) if "event" in line}
    assert events["retry"]["delay"] >= 0
    assert events["retry"]["logger"] == "apivideo_async.upload"
    assert isinstance(events["retry"]["error"], str)
    assert events["upload_planned"]["chunks"] == 1


def test_secrets_are_masked_in_fields_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.hide("the-secret-key")
    with unchanged_logging():
        show_logs(terminal, debug=False, as_json=True)
        error = ValueError("https://user:hunter-two@host/a?X-Amz-Signature=abcdef0123456789")
        fields = {"event": "x", "error": error, "many": [error, 1], "key": "the-secret-key"}
        logging.getLogger("apivideo_async.x").info("of %s", "the-secret-key", extra=fields)
        terminal.note("the-secret-key\nin two lines")
    err = capsys.readouterr().err
    record, note = lines(err)
    assert (record["event"], record["key"], record["message"]) == ("x", "***", "of ***")
    assert record["many"][1] == 1
    assert (note["level"], note["message"]) == ("warning", "note: ***\nin two lines")
    for secret in ("hunter-two", "abcdef0123456789", "the-secret-key"):
        assert secret not in err


def test_tracebacks_and_requests_are_lines_with_debug(online: Cli) -> None:
    command = ("videos", "show", "vi404", "--debug", "--log-format", "json")
    with online.start(*command) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    found = lines(err)
    assert any("Traceback" in line["message"] for line in found)
    assert any(line.get("event") == "response" for line in found)
    assert online.env["APIVIDEO_API_KEY"] not in err
