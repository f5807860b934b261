"""Manifests: every invalid line is reported before anything starts, in JSONL and CSV."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.errors import ManifestError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing.folders import list_folder
from apivideo_async.ingest.listing.manifest import check_manifest, read_manifest


def write(folder: Path, text: str | bytes, name: str = "list.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(*given: dict[str, Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in given)


async def items_of(path: Path, **options: Any) -> list[Item]:
    await check_manifest(path)
    return [item async for item in read_manifest(path, **options)]


FIELDS = {
    "title": "A film",
    "description": "Of a day",
    "tags": ["one", "two"],
    "metadata": {"a": "1", "b": "x;y"},
    "public": False,
    "panoramic": True,
    "mp4_support": True,
    "player_id": "pl1",
    "language": "fr",
    "transcript": True,
    "transcript_summary": False,
    "transcript_summary_attributes": ["abstract"],
}
CSV = (
    "url,title,description,tags,metadata.a,metadata.b,public,panoramic,mp4Support,player,language,transcript,"
    "transcriptSummary,transcriptSummaryAttributes\n"
    's3://b/a.mp4,A film,Of a day,one; two,1,"x;y",false,YES,1,pl1,fr,true,No,abstract\n'
)


async def test_every_field_comes_from_json_and_from_csv(tmp_path: Path) -> None:
    (from_json,) = await items_of(write(tmp_path, lines({"uri": "s3://b/a.mp4", **FIELDS})))
    (from_csv,) = await items_of(write(tmp_path, CSV, "list.csv"))
    assert from_json.fields == from_csv.fields == FIELDS
    assert from_json.key == from_csv.key


@pytest.mark.parametrize("name", ["list", "list.jsonl", "list.json"])
async def test_json_is_recognised_by_its_name_or_its_first_character(
    tmp_path: Path, name: str
) -> None:
    path = write(
        tmp_path, "\ufeff\n" + lines({"uri": "https://h.example/a.mp4", "playerId": "pl1"}), name
    )
    (item,) = await items_of(path, strategy="pull")
    assert (item.uri, item.strategy) == ("https://h.example/a.mp4", "pull")
    assert item.fields == {"title": "a.mp4", "player_id": "pl1"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_csv_comes_as_spreadsheets_write_it(tmp_path: Path, separator: str) -> None:
    text = f'\ufeffuri{separator}title\r\ns3://b/1.mp4{separator}"two\nlines"\r\n{separator}\r\ns3://b/2.mp4{separator}\r\n'
    found = await items_of(write(tmp_path, text, "list.csv"))
    assert [item.fields for item in found] == [{"title": "two\nlines"}, {"title": "2.mp4"}]


async def test_a_local_file_is_the_source_that_it_is_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "a b.mp4").write_bytes(b"xyz")
    listed = [item async for item in list_folder(folder)]
    relative = await items_of(write(tmp_path, lines({"uri": "films/a b.mp4"})))
    absolute = await items_of(write(tmp_path, lines({"path": str(folder / "a b.mp4")})))
    by_uri = await items_of(write(tmp_path, lines({"uri": (folder / "a b.mp4").as_uri()})))
    assert relative == absolute == by_uri == listed


async def test_a_summary_counts(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"xyz")
    path = write(
        tmp_path,
        lines({"uri": "a.mp4"}, {"uri": "s3://b/1"}, {"uri": "s3://b/2"}, {"uri": "https://h/3"}),
    )
    summary = await check_manifest(path)
    assert (summary.items, summary.bytes, summary.schemes) == (
        4,
        3,
        {"file": 1, "s3": 2, "https": 1},
    )


async def test_every_bad_line_is_reported_with_its_number(tmp_path: Path) -> None:
    bad: list[tuple[str, str]] = [
        ('{"uri": "s3://b/1"}', ""),
        ("{uri}", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("", ""),
        ('{"title": "a"}', "no uri"),
        ('{"uri": "s3://b/2", "titel": "a"}', "unknown field 'titel'"),
        ('{"uri": "s3://b/3", "public": "yes"}', "public must be true or false, not 'yes'"),
        ('{"uri": "s3://b/4", "tags": "a"}', "tags must be a list of texts, not 'a'"),
        (
            '{"uri": "s3://b/5", "metadata": {"a": 1}}',
            "metadata must be an object whose values are texts",
        ),
        ('{"uri": 5}', "uri must be a text, not 5"),
        ('{"uri": "ftp://h/a"}', "sources are local paths"),
        ('{"uri": "nothing.mp4"}', "no such file"),
        ('{"uri": "s3://b/1", "title": "again"}', "the same source as line 1"),
        ('{"uri": "s3://b/6", "uri": "s3://b/7"}', "a name is given twice"),
        ('{"uri": "s3://b/8", "player": "a", "player_id": "b"}', "player_id is given twice"),
        ('{"uri": "s3://b/9", "metadata": {"ingestKey": "a"}}', "metadata.ingestKey is reserved"),
        ('{"uri": "a.mp4", "version": "1"}', "version is only for objects"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"uri": "' + "x" * 2_000_000 + '"}', "is longer than"),
        ('{"uri": "s3://b/1"}', "the same source as line 1"),
    ]
    path = write(tmp_path, "\n".join(text for text, _ in bad))
    with pytest.raises(ManifestError, match="nothing was started") as caught:
        await check_manifest(path)
    wrong = dict(caught.value.problems)
    expected = {number: text for number, (_, text) in enumerate(bad, 1) if text}
    assert wrong.keys() == expected.keys()
    for number, text in expected.items():
        assert text in wrong[number]
    assert all(f"line {number}: " in str(caught.value) for number in expected)


@pytest.mark.parametrize(
    ("text", "number", "problem"),
    [
        ("uri,titel\n", 1, "unknown column 'titel', did you mean title?"),
        ("title\nx\n", 1, "no column uri"),
        ("uri,title,title\n", 1, "the column title occurs twice"),
        ("uri,title\ns3://b/1,a,b\n", 2, "has 3 cells, but there are 2 columns"),
        ('uri,title\ns3://b/1,"a\nb"\ns3://b/1,c\n', 4, "the same source as line 2"),
        ("uri,public\ns3://b/1,perhaps\n", 2, "public must be true or false, not 'perhaps'"),
        ('uri,title\ns3://b/1,"open\n', 2, "is not CSV"),
        ("uri,metadata\ns3://b/1,{1}\n", 2, "metadata must be an object"),
    ],
)
async def test_a_bad_line_of_csv_is_reported(
    tmp_path: Path, text: str, number: int, problem: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        await check_manifest(write(tmp_path, text, "list.csv"))
    assert caught.value.problems[0][0] == number
    assert problem in caught.value.problems[0][1]


async def test_bytes_that_are_not_utf_8_are_reported(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", b'{"uri": "s3://b/\xff"}\n'), ("a.csv", b"uri\ns3://b/\xff\n")):
        with pytest.raises(ManifestError, match="is not UTF-8"):
            await check_manifest(write(tmp_path, text, name))


async def test_of_very_many_bad_lines_all_are_counted_and_some_shown(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="1,500 problems") as caught:
        await check_manifest(write(tmp_path, "{}\n" * 1500))
    assert len(caught.value.problems) == 1000
    assert "line 50: no uri" in str(caught.value)
    assert "line 51" not in str(caught.value)
    assert "and 1,450 more" in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "\n\n"], ids=["missing", "empty", "blank"])
async def test_a_manifest_without_sources_is_an_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "list.jsonl" if text is None else write(tmp_path, text)
    with pytest.raises(
        ManifestError, match="cannot be read" if text is None else "names no sources"
    ):
        await check_manifest(path)


async def test_reading_gives_what_comes_before_a_bad_line_and_stops(tmp_path: Path) -> None:
    path = write(tmp_path, lines(*({"uri": f"s3://b/{number}"} for number in range(300))) + "{}\n")
    found = []
    with pytest.raises(ManifestError, match="line 301: no uri"):
        async for item in read_manifest(path):
            found.append(item)
    assert len(found) == 300


async def test_a_url_that_is_signed_anew_is_the_same_source(tmp_path: Path) -> None:
    urls = [{"uri": f"https://h.example/a.mp4?X-Amz-Signature={number}"} for number in range(2)]
    with pytest.raises(ManifestError, match="the same source as line 1"):
        await check_manifest(write(tmp_path, lines(*urls)))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text.strip() == text
)
LINES = st.lists(
    st.fixed_dictionaries(
        {"uri": st.uuids().map("s3://bucket/{}.mp4".format)},
        optional={
            "title": TEXT,
            "tags": st.lists(TEXT.filter(lambda text: ";" not in text), min_size=1),
            "metadata": st.dictionaries(
                TEXT.filter("ingestKey".__ne__), TEXT, min_size=1, max_size=3
            ),
            "public": st.booleans(),
        },
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda line: str(line["uri"]),
)


@given(LINES)
async def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, given_lines: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    expected = [
        {
            "title": line["uri"].rpartition("/")[2],
            **{name: value for name, value in line.items() if name != "uri"},
        }
        for line in given_lines
    ]
    from_json = await items_of(write(folder, lines(*given_lines)))
    assert [item.fields for item in from_json] == expected
    pairs = sorted({key for line in given_lines for key in line.get("metadata", {})})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["uri", "title", "tags", "public", *(f"metadata.{key}" for key in pairs)])
    for line in given_lines:
        cells = [
            line["uri"],
            line.get("title", ""),
            ";".join(line.get("tags", [])),
            line.get("public", ""),
        ]
        writer.writerow([*cells, *(line.get("metadata", {}).get(key, "") for key in pairs)])
    from_csv = await items_of(write(folder, text.getvalue(), "list.csv"))
    assert [item.fields for item in from_csv] == expected


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_manifest(tmp_path: Path) -> None:
    path, process = tmp_path / "list.jsonl", psutil.Process()
    with path.open("w") as file:
        for number in range(200_000):
            file.write(
                json.dumps({"uri": f"s3://bucket/{number}.mp4", "title": f"Film {number}"}) + "\n"
            )
    before = process.memory_info().rss
    assert (await check_manifest(path)).items == 200_000
    most, count = process.memory_info().rss, 0
    async for _ in read_manifest(path):
        count += 1
        if count % 10_000 == 0:
            most = max(most, process.memory_info().rss)
    assert count == 200_000
    assert most - before < 12 * 1024 * 1024, "200,000 items are 100 MiB"
