"""``apivideo ingest items|show|skip|forget|prune``: inspect, discard and clean up items."""

from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator, Fault

from .conftest import Cli

Make = Callable[..., Path]


@pytest.fixture
def failed(online: Cli, emu: Emulator, make_file: Make, tmp_path: Path) -> Path:
    """A folder whose ingestion left two items done and one failed."""
    (tmp_path / "videos").mkdir()
    for name in ("a", "b"):
        make_file(f"videos/{name}.mp4", 1000)
    (tmp_path / "videos/empty.mp4").touch()
    assert online("ingest", "videos").code == 1
    return tmp_path / "videos"


def states(online: Cli) -> dict[str, int]:
    found = online("ingest", "status", "--json").json["states"]
    return {state: each["items"] for state, each in found.items()}


def test_items_are_listed_by_state_and_cause(online: Cli, failed: Path) -> None:
    assert len(online("ingest", "items").out.splitlines()) == 3
    [item] = online("ingest", "items", "--state", "failed", "--cause", "empty", "--json").json
    assert (item["uri"], item["cause"]) == (str(failed / "empty.mp4"), "empty")
    assert online("ingest", "items", "--cause", "missing").out == ""
    assert online("ingest", "items", "--state", "open", "--json").json == []
    listed = online("ingest", "items", "--state", "done", "--output", "csv").out.splitlines()
    assert (listed[0], len(listed)) == ("key,state,uri,bytes,videoId,attempts", 3)
    assert "Did you mean" in online("ingest", "items", "--state", "faild").err


def test_an_item_is_shown_with_its_history(online: Cli, emu: Emulator, failed: Path) -> None:
    [done] = online("ingest", "show", "videos/a.mp4", "--json").json
    assert done["videoId"] in emu.state.videos
    assert done["fields"] == {"title": "a.mp4"}
    text = online("ingest", "show", str(failed / "empty.mp4")).out
    assert "state       failed\n" in text
    assert "advice      Replace the sources" in text
    assert "no such item: nothing.mp4" in online("ingest", "show", "nothing.mp4").error_line


def test_a_skipped_item_is_no_failure_until_it_is_retried(online: Cli, failed: Path) -> None:
    assert online("ingest", "skip", "videos/empty.mp4").out == "1 item skipped\n"
    assert states(online) == {"done": 2, "skipped": 1}
    assert online("ingest", "videos").code == 0
    again = online("ingest", "skip", "videos/empty.mp4", "videos/a.mp4")
    assert (again.code, again.out) == (1, "0 items skipped\n")
    assert "2 unchanged" in again.err
    assert online("ingest", "retry").out == "0 items will be tried again\n"
    assert online("ingest", "retry", "videos/empty.mp4").out == "1 item will be tried again\n"
    assert online("ingest").code == 1


def test_a_forgotten_item_is_found_again_by_its_key(
    online: Cli, emu: Emulator, failed: Path
) -> None:
    assert online("ingest", "forget", "videos/a.mp4", "videos/empty.mp4").out == (
        "2 items forgotten\n"
    )
    assert states(online) == {"done": 1}
    (failed / "empty.mp4").unlink()
    result = online("ingest", "videos", "--json").json
    assert (result["now"]["done"], result["sent"], len(emu.state.videos)) == (1, 1000, 2)


def test_old_items_are_deleted_from_the_ledger(online: Cli, failed: Path) -> None:
    assert "--done, --skipped" in online("ingest", "prune", "--older-than", "0").err
    assert online("ingest", "prune", "--done", "--older-than", "1").out.startswith("0 items")
    assert online("ingest", "prune", "--done", "--older-than", "0").out == (
        "2 items deleted from the ledger\n"
    )
    assert states(online) == {"failed": 1}


def test_a_file_that_was_deleted_is_skipped_and_comes_back(
    online: Cli, emu: Emulator, failed: Path
) -> None:
    """A deleted file must not make every later run fail."""
    emu.faults.add(Fault("videos.create", "status", status=400, body={"title": "no"}))
    extra = failed / "c.mp4"
    extra.write_bytes(b"content")
    online("ingest", "skip", "videos/empty.mp4")
    assert online("ingest", "videos").code == 1
    times = extra.stat()
    extra.rename(failed / "elsewhere")
    online("ingest", "retry")
    result = online("ingest")
    assert result.code == 0, result
    assert "c.mp4" in result.err
    assert "1 skipped" in result.out
    assert states(online) == {"done": 2, "skipped": 2}
    (failed / "elsewhere").rename(extra)
    assert extra.stat().st_mtime_ns == times.st_mtime_ns
    assert online("ingest", "videos").code == 0
    assert states(online) == {"done": 3, "skipped": 1}
