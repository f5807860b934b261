"""`list_and_filter.py` shows exactly the videos that carry every tag and pair."""

from collections.abc import Callable
from types import ModuleType

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator

Load = Callable[[str], ModuleType]


async def test_tags_and_metadata_select_and_every_way_to_read_agrees(
    load: Load, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    async with ApiVideoClient() as client:
        for number in range(7):
            await client.videos.create(
                title=f"match {number}", tags=["a", "b"], metadata={"lang": "fr"}
            )
        await client.videos.create(title="other tag", tags=["a"], metadata={"lang": "fr"})
        await client.videos.create(title="other language", tags=["a", "b"], metadata={"lang": "de"})
    await load("list_and_filter").show(["a", "b"], {"lang": "fr"}, 2, 3)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["newest: match 6", "first 2: match 6, match 5"]
    assert lines[2:5] == ["page 1 of 3: 3 videos", "page 2 of 3: 3 videos", "page 3 of 3: 1 videos"]
    assert [line.split("  ")[1] for line in lines[5:]] == [
        f"match {number}" for number in reversed(range(7))
    ]
    assert lines[5].endswith("a b lang=fr")


def test_no_filter_lists_everything_and_nothing_is_no_error(
    load: Load, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    main = load("list_and_filter").main
    assert main([]) == 0
    assert capsys.readouterr().out == "no video matches\n"
    assert (
        emulator.requests[-1].query == "sortBy=createdAt&sortOrder=desc&currentPage=1&pageSize=25"
    )
    assert main(["--tag", "x", "--metadata", "k=v=w"]) == 0
    assert "tags[]=x&metadata[k]=v%3Dw" in emulator.requests[-1].query


def test_wrong_arguments_are_explained(
    load: Load, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    main = load("list_and_filter").main
    assert main(["--page-size", "1000"]) == 1
    assert "failed:" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--metadata", "novalue"])
    assert "'novalue' is not key=value" in capsys.readouterr().err
