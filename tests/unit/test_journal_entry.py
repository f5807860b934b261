"""An entry of the journal is used only if it is whole and describes the same bytes."""

import json
from typing import Any

import pytest

from apivideo_async.uploads.journal_entry import JournalEntry, parse_entry, same_content

URL = "https://ws.api.video"
ENTRY = JournalEntry(
    fingerprint={"path": "/a.mp4", "size": 100, "ends": "e", "samples": "s", "inode": 1},
    base_url=URL,
    video_id="vi1",
    mode="part",
    chunk_size=40,
    accepted=((1, 0, 40), (3, 80, 20)),
)


def test_an_entry_is_read_as_it_was_written() -> None:
    assert parse_entry(ENTRY.to_json(), URL) == ENTRY
    assert [chunk.stop for chunk in ENTRY.snapshot().accepted] == [40, 100]
    assert (ENTRY.snapshot().accepted_bytes, ENTRY.snapshot().total) == (60, 100)


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(ENTRY.to_json()), **changes})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "JSON object"),
        ("[" * 100_000, "JSON"),
        ("{}", "version"),
        (changed(version=2), "version"),
        (changed(base_url="https://sandbox.api.video"), "another server"),
        (changed(fingerprint=None), "describe the file"),
        (changed(fingerprint={}), "describe the file"),
        (changed(fingerprint={"size": True}), "describe the file"),
        (changed(fingerprint={"size": 2**70}), "describe the file"),
        (changed(video_id=None), "no video"),
        (changed(video_id=""), "no video"),
        (changed(video_id="../.."), "no video"),
        (changed(video_id="vi\n"), "no video"),
        (changed(mode="x"), "mode or chunk size"),
        (changed(mode=[]), "mode or chunk size"),
        (changed(chunk_size=0), "mode or chunk size"),
        (changed(chunk_size=1.5), "mode or chunk size"),
        (changed(accepted=None), "list of chunks"),
        (changed(accepted=[[1, 0]]), "list of chunks"),
        (changed(accepted=[1]), "list of chunks"),
        (changed(accepted=[[1, False, 40]]), "list of chunks"),
        (changed(accepted=[[1, -1, 40]]), "list of chunks"),
        (changed(accepted=[[0, 0, 40]]), "list of chunks"),
        (changed(accepted=[[1, 0, "40"]]), "list of chunks"),
        (changed(accepted=[[1, 0, 30]]), "do not fit"),
        (changed(accepted=[[2, 0, 40]]), "do not fit"),
        (changed(accepted=[[1, 0, 40], [1, 0, 40]]), "do not fit"),
        (changed(mode="bytes", accepted=[[1, 0, 50], [2, 40, 50]]), "do not fit"),
        (changed(mode="bytes", accepted=[[1, 0, 50], [1, 50, 50]]), "do not fit"),
        (changed(mode="bytes", accepted=[[1, 90, 11]]), "do not fit"),
    ],
)
def test_an_entry_that_is_damaged_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_entry(text, URL)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({}, True, id="equal"),
        pytest.param({"path": "/b.mp4", "inode": 2, "mtime_ns": 3}, True, id="hints"),
        pytest.param({"size": 101}, False, id="size"),
        pytest.param({"ends": "x"}, False, id="ends"),
        pytest.param({"samples": "x"}, False, id="samples"),
    ],
)
def test_size_and_content_identify_a_file(other: dict[str, Any], same: bool) -> None:
    assert same_content(ENTRY.fingerprint, {**ENTRY.fingerprint, **other}) is same


def test_an_entry_of_an_earlier_version_without_samples_counts() -> None:
    earlier = {key: value for key, value in ENTRY.fingerprint.items() if key != "samples"}
    assert same_content(earlier, ENTRY.fingerprint)
    assert not same_content({"path": "/a.mp4"}, {"path": "/a.mp4"}), "nothing describes the content"
