"""Manifests as spreadsheets, shells and other programs write them."""

import asyncio
import codecs
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.errors import ManifestError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing import manifest_lines
from apivideo_async.ingest.listing.fields import COLUMNS
from apivideo_async.ingest.listing.manifest import check_manifest, open_manifest, read_manifest

ROOT = Path(__file__).parents[2]


def write(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


async def titles(path: Path) -> list[str]:
    await check_manifest(path)
    return [item.fields["title"] async for item in read_manifest(path)]


async def problems(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(ManifestError) as caught:
        await check_manifest(path)
    return list(caught.value.problems) or [(0, str(caught.value))]


@pytest.mark.parametrize(
    "text",
    [
        "uri,title,,\r\ns3://b/1,One,,\r\n,,,\r\ns3://b/2,Two\r\n",
        "sep=;\r\nuri;title\r\ns3://b/1;One\r\ns3://b/2;Two\r\n",
        '"sep=;"\r\n\r\nuri;title\r\ns3://b/1;One\r\ns3://b/2;Two\r\n',
        "sep=|\nuri|title\ns3://b/1|One\ns3://b/2|Two\n",
        "sep=\t\nuri\ttitle\ns3://b/1\tOne\ns3://b/2\tTwo\n",
        ",,\r\n\r\n ;\r\nuri,title,\r\ns3://b/1,One,\r\ns3://b/2,Two,,,\r\n",
        'uri,,title\ns3://b/1,,One\n"s3://b/2", ,"Two"\n',
        '"uri", "Title"\n"s3://b/1", "One"\n"s3://b/2", "Two"\n',
        'uri;title;"metadata.a,b,c,d"\ns3://b/1;One;x\ns3://b/2;Two;y\n',
        "URL,Title\rs3://b/1,One\rs3://b/2,Two\r",
    ],
)
async def test_spreadsheets_write_csv_in_many_ways(tmp_path: Path, text: str) -> None:
    assert await titles(write(tmp_path, text)) == ["One", "Two"]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
@pytest.mark.parametrize("name", ["list.csv", "list.txt", "list.jsonl", "list"])
async def test_unicode_encodings_are_recognised(
    tmp_path: Path, encoding: str, mark: bytes, name: str
) -> None:
    text = "uri\ttitle\r\ns3://b/1\tÉté 漢\r\n"
    if name.endswith("jsonl"):
        text = json.dumps({"uri": "s3://b/1", "title": "Été 漢"}, ensure_ascii=False)
    path = write(tmp_path, mark + text.encode(encoding), name)
    assert await titles(path) == ["Été 漢"]


async def test_the_encoding_of_excel_is_named_with_the_way_out(tmp_path: Path) -> None:
    for text, line, word in (
        ("uri;metadata.année\r\ns3://b/1;x\r\n", 1, "'metadata.année'"),
        ("uri;title\r\ns3://b/1;ok\r\ns3://b/2;Un été\r\n", 3, "été"),
    ):
        [(number, problem)] = await problems(write(tmp_path, text.encode("cp1252")))
        assert number == line
        assert "is not UTF-8: in Windows-1252" in problem
        assert word in problem
        assert "CSV UTF-8" in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04" + bytes(50), "a workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(50), "Excel workbook"),
        (b"\x1f\x8b\x08" + bytes(50), "compressed with gzip"),
        (b"\x00\x01\x02\x03\x04", "is not a text file"),
        ("uri\ns3://b/é".encode("utf-16")[:-1], "is not valid UTF-16"),
    ],
)
async def test_a_file_that_is_no_text_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in (await problems(write(tmp_path, content)))[0][1]


async def test_a_long_cell_is_accepted(tmp_path: Path) -> None:
    assert await titles(write(tmp_path, f"uri,title\ns3://b/1,{'x' * 200_000}\n")) == [
        "x" * 200_000
    ]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("block", [1, 7, 64 * 1024])
async def test_an_array_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, block: int
) -> None:
    monkeypatch.setattr(manifest_lines, "_BLOCK", block)
    given = [{"uri": f"s3://b/{n}", "title": f"t]{n},"} for n in range(5)]
    path = write(tmp_path, f"\n {json.dumps(given, indent=indent)}\n", "list.json")
    assert await titles(path) == [each["title"] for each in given]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[\n{"uri": "s3://b/1"},\n{"uri": 5},\n[]\n]', [(3, "uri must be a text"), (4, "object")]),
        ('[\n{"uri": "s3://b/1"},\n]', [(3, "the rest of the array is not checked")]),
        ('[\n{"uri": "s3://b/1"}', [(2, "a comma or ] must follow, but the file ends")]),
        ('[{"uri": "s3://b/1"}]\n{}', [(2, "more text after the array")]),
        ('[{"uri": "s3://b/1", "uri": "s3://b/2"}]', [(1, "a name is given twice")]),
        ("[" * 100_000, [(1, "nested too deeply")]),
        ("[]", [(0, "names no sources")]),
        ('{\n  "uri": "s3://b/1"\n}\n', [(1, "starts one object that continues")]),
        ('{"uri": "s3://b/1"},\n', [(1, "more text")]),
        (
            '{"uri": "s3://b/1", "title": "a\\ud83d"}',
            [(1, "title has half of a character, \\ud83d")],
        ),
        ('{"uri": "s3://b/\\udcff"}', [(1, "uri has half of a character")]),
        ('{"uri": "s3://b/1", "tags": ["\\ude00"]}', [(1, "tags has half of a character")]),
        ('{"uri": "s3://b/1", "metadata": {"\\ud83d": "a"}}', [(1, "metadata has half of")]),
        ('{"uri": "s3://b/1", "metadata.a": "\\ud83d"}', [(1, "metadata has half of")]),
        ('{"uri": "a\\u0000.mp4"}', [(1, "uri contains a NUL")]),
    ],
)
async def test_bad_json_is_reported_by_line(
    tmp_path: Path, text: str, expected: list[tuple[int, str]]
) -> None:
    found = await problems(write(tmp_path, text, "list.json"))
    assert [number for number, _ in found] == [number for number, _ in expected]
    for (_, problem), (_, part) in zip(found, expected, strict=True):
        assert part in problem


async def test_a_cell_in_a_column_without_a_name_is_reported(tmp_path: Path) -> None:
    text = "uri,,title\ns3://b/1,lost,One\n"
    assert await problems(write(tmp_path, text)) == [(2, "has a cell in a column without a name")]


async def both(given: Any) -> list[Item]:
    async with open_manifest(given) as manifest:
        await check_manifest(manifest)
        return [item async for item in read_manifest(manifest)]


def fill(path: Path, text: str) -> threading.Thread:
    thread = threading.Thread(target=path.write_text, args=(text,))
    thread.start()
    return thread


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
async def test_a_pipe_can_be_checked_and_read(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ManifestError, match="is a pipe, which can be read only once"):
        await check_manifest(pipe)
    thread = fill(pipe, '{"uri": "a.mp4"}\n')
    [item] = await both(pipe)
    thread.join()
    assert item.uri == str(tmp_path / "a.mp4"), "paths are relative to the folder of the pipe"
    thread = fill(pipe, "uri\ns3://b/1\n")
    assert [item.uri async for item in read_manifest(pipe)] == ["s3://b/1"]
    thread.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
async def test_waiting_for_a_pipe_can_be_cancelled(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    task = asyncio.create_task(both(pipe))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pipe.write_text("uri\n")  # The thread that waits for a writer ends.


async def test_the_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"uri\na.mp4\n")))
    [item] = await both("-")
    assert item.uri == str(tmp_path / "a.mp4")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ManifestError, match="standard input is closed"):
        await both("-")


async def test_copies_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"uri\ns3://b/1\n")))
    async with open_manifest("-") as manifest:
        [copy] = tmp_path.iterdir()
        assert (manifest.path, copy.stat().st_mode & 0o077) == (copy, 0)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"uri\ns3://b/1\n")))
    with pytest.raises(ManifestError, match="cannot be copied to a temporary file"):
        await both("-")


@pytest.mark.parametrize("given", ["/dev/null", "missing", "."])
async def test_what_is_no_file_is_an_error(given: str) -> None:
    with pytest.raises(ManifestError, match=r"is a device|cannot be read"):
        await both(given)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://h.example/my video/Été.mp4?q=a b",
        "https://h.example/my%20video/%C3%89t%C3%A9.mp4?q=a%20b",
        "https://h.example/my%20video/%c3%89t%c3%a9.mp4?q=a%20b",
        " https://H.example:443/m%79 video/Été.mp4?q=a b\t",
    ],
)
async def test_spellings_of_a_url_are_one_source(tmp_path: Path, spelling: str) -> None:
    given: Callable[[str], str] = lambda uri: json.dumps({"uri": uri}) + "\n"  # noqa: E731
    first = "https://h.example/my video/Été.mp4?q=a b"
    path = write(tmp_path, given(first) + given(spelling), "list.jsonl")
    assert await problems(path) == [(2, "the same source as line 1")]


def test_the_columns_are_documented() -> None:
    guide = (ROOT / "docs" / "guides" / "ingestion.md").read_text()
    for name in COLUMNS:
        assert f"| `{name}` |" in guide, f"{name} is missing in the table of manifest columns"
