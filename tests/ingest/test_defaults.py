"""Fields and filters that apply to all sources of an ingestion."""

from typing import Any

import pytest

from apivideo_async.errors import ConfigurationError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing.defaults import Defaults, Filter
from apivideo_async.ingest.uris import parse_uri


def item_of(uri: str, size: int | None = 100, **fields: Any) -> Item:
    return Item(key="key", uri=uri, size=size, fields={"title": parse_uri(uri).name, **fields})


@pytest.mark.parametrize(
    ("uri", "title"),
    [
        ("/videos/2025/movie.final.mp4", "2025: movie.final"),
        ("s3://bucket/talks/one.mov", "talks: one"),
        ("https://host/a/b%20c.mp4?sig=1", "a: b c"),
        ("/videos/.mp4", "videos: .mp4"),
    ],
)
def test_a_title_is_made_of_the_address(uri: str, title: str) -> None:
    assert Defaults(title="{folder}: {stem}").of(item_of(uri)).fields["title"] == title


@pytest.mark.parametrize("template", ["{stem", "{size}", "{}", "{0}", "{stem.x}"])
def test_a_template_that_cannot_work_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError, match="template of titles"):
        Defaults(title=template)


def test_the_fields_of_a_manifest_take_precedence() -> None:
    defaults = Defaults(
        fields={"tags": ["all"], "public": False, "metadata": {"a": "1", "b": "2"}}, title="{stem}"
    )
    item = item_of("/v/a.mp4", title="Own", tags=["own"], metadata={"b": "3"})
    made = defaults.of(item)
    assert not made.described, "only a manifest describes an item"
    assert made.fields == {
        "title": "Own",
        "tags": ["own"],
        "public": False,
        "metadata": {"a": "1", "b": "3"},
    }
    assert defaults.of(item_of("/v/a.mp4")).fields["title"] == "a"


def test_without_fields_an_item_stays_as_it_is() -> None:
    item = item_of("/v/a.mp4")
    assert Defaults().of(item) is item


async def kept(chosen: Filter, *items: Item) -> list[str]:
    return [item.uri async for item in chosen.over(items)]


async def test_sources_are_left_out_by_pattern_and_size() -> None:
    items = [item_of("/v/raw/a.mp4"), item_of("/v/a.mp4", 5), item_of("/v/b.mp4", None)]
    assert await kept(Filter(exclude=["raw/*"]), *items) == ["/v/a.mp4", "/v/b.mp4"]
    assert await kept(Filter(exclude=["A.*"]), *items) == ["/v/b.mp4"]
    assert await kept(Filter(min_size=6), *items) == ["/v/raw/a.mp4", "/v/b.mp4"]
    assert await kept(Filter(max_size=6), *items) == ["/v/a.mp4", "/v/b.mp4"]
    assert await kept(Filter(), *items) == [item.uri for item in items]
