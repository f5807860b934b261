"""Analytics, computed from plays that the test has added.

See service.md#filter-encoding, service.md#analytics-operations, service.md#error-details,
service.md#analytics.
"""

from datetime import UTC, datetime, timedelta

import pytest

from apivideo_async.emulator import Play

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
HOUR = timedelta(hours=1)


async def ask(api, path, params=()):
    return await api.send("GET", f"/data/{path}", params=list(params))


async def number(api, path, **params):
    reply = await ask(api, f"metrics/{path}", params.items())
    assert reply.status == 200, reply.body
    return reply.json["data"]


def play(hours: float = 2, **more) -> Play:
    return Play(**{"media_id": "vi1", "at": NOW - hours * HOUR, **more})


@pytest.fixture
def seeded(api):
    api.emu.add_plays(
        play(2, country="FR", browser="firefox", watched=4, ended=True, viewer="ann", loading=100),
        play(2, country="FR", browser="chrome", watched=10, viewer="bob", loading=300),
        play(
            3,
            country="US",
            continent="NA",
            browser="chrome",
            watched=40,
            viewer="ann",
            referrer="https://a.test/?b=c",
        ),
        play(3, country="US", continent="NA", browser="safari", played=False),
        play(50, media_id="li1", media_type="live-stream", watched=0),
    )
    return api


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("play/count", {}, 3),
        ("play/rate", {}, 0.75),
        ("play/total", {}, 4),
        ("start/count", {}, 3),
        ("end/count", {}, 1),
        ("impression/count", {}, 4),
        ("impression-time/sum", {}, 900),
        ("impression-time/average", {}, 300),
        ("watch-time/sum", {}, 54),
        ("watch-time/average", {}, 18),
        ("view/count", {}, 2),
        ("view/count", {"viewDuration": "3s"}, 3),
        ("view/count", {"viewDuration": "30s"}, 1),
        ("view/count", {"viewDuration": "3s", "unique": "true"}, 2),
        ("ccv/peak", {}, 2),
        ("ccv/live", {}, 0),
        ("play/count", {"from": (NOW - 2.5 * HOUR).isoformat()}, 2),
        ("play/count", {"from": (NOW - 2.5 * HOUR).replace(tzinfo=None).isoformat()}, 2),
        ("play/count", {"to": (NOW - 2 * HOUR).isoformat()}, 1),
        ("start/count", {"from": (NOW - 60 * HOUR).isoformat()}, 3),
        ("play/count", {"from": (NOW - 60 * HOUR).isoformat()}, 4),
        ("play/total", {"from": NOW.isoformat(), "to": NOW.isoformat()}, 4),
    ],
)
async def test_aggregated_metrics(seeded, path, params, expected):
    """A span includes its start and excludes its end. The total ignores the span.

    See service.md#analytics-time-span.
    """
    if (NOW - 2 * HOUR).date() != (NOW - 3 * HOUR).date() and "unique" in params:
        expected += 1  # Viewers are unique for one day.
    assert await number(seeded, path, **params) == pytest.approx(expected)


async def test_concurrent_viewers(api):
    """A viewer who arrives when another one leaves is not concurrent. A unique viewer counts once.

    See service.md#analytics-metrics.
    """
    at = NOW - 2 * HOUR
    for offset, seconds, viewer in ((0, 100, "a"), (50, 100, "a"), (60, 40, "b"), (100, 50, "c")):
        api.emu.add_plays(
            Play(media_id="vi1", at=at + timedelta(seconds=offset), watched=seconds, viewer=viewer)
        )
    frame = {"from": at.isoformat(), "to": (at + timedelta(seconds=100)).isoformat()}
    assert await number(api, "ccv/peak", **frame) == 3
    assert await number(api, "ccv/peak", unique="true", **frame) == 2
    assert await number(api, "ccv/average", **frame) == pytest.approx(1.9)
    assert await number(api, "ccv/average", unique="true", **frame) == pytest.approx(1.4)
    api.emu.add_plays(
        Play(media_id="vi1", at=datetime.now(UTC) - timedelta(seconds=30), watched=60)
    )
    assert await number(api, "ccv/live") == 1


async def test_names_of_metrics_in_responses(seeded):
    """`view-5`, `unique-view-30`, `unique-ccv` (service.md#metric-names)."""

    async def name_of(path: str, *params: tuple[str, str]) -> str:
        return (await ask(seeded, path, params)).json["context"]["metric"]

    assert await name_of("metrics/view/count") == "view-5"
    assert (
        await name_of("metrics/view/count", ("unique", "true"), ("viewDuration", "30s"))
        == "unique-view-30"
    )
    assert await name_of("metrics/ccv/peak", ("unique", "true")) == "unique-ccv"
    assert await name_of("buckets/ccv-peak/country", ("unique", "true")) == "unique-ccv-peak"
    assert await name_of("timeseries/play-rate") == "play-rate"
    context = (await ask(seeded, "metrics/play/count")).json["context"]
    assert context["aggregation"] == "count"
    begin, end = (datetime.fromisoformat(context["timeframe"][name]) for name in ("from", "to"))
    assert end - begin == timedelta(days=1)


async def buckets(api, path, *params):
    reply = await ask(api, f"buckets/{path}", params)
    assert reply.status == 200, reply.body
    return [(item["dimensionValue"], item["metricValue"]) for item in reply.json["data"]]


async def test_breakdowns(seeded):
    """A breakdown exists for each dimension, with pages and sorting."""
    assert await buckets(seeded, "play/country") == [("FR", 2), ("US", 1)]
    assert await buckets(
        seeded, "impression/browser", ("sortBy", "metricValue"), ("sortOrder", "asc")
    ) == [
        ("firefox", 1),
        ("safari", 1),
        ("chrome", 2),
    ]
    assert await buckets(seeded, "play-rate/continent") == [("EU", 1), ("NA", 0.5)]
    assert await buckets(
        seeded, "play/referrer", ("sortBy", "dimensionValue"), ("sortOrder", "desc")
    ) == [
        ("https://a.test/?b=c", 1),
        ("", 2),
    ]
    assert await buckets(seeded, "play-total/media-id") == [("li1", 1), ("vi1", 3)]
    for breakdown in ("media-type", "device-type", "operating-system", "media-id"):
        assert [
            count
            for _, count in await buckets(seeded, f"view/{breakdown}", ("viewDuration", "10s"))
        ] == [2]
    second = await ask(seeded, "buckets/play/country", [("pageSize", "1"), ("currentPage", "2")])
    assert second.json["data"] == [{"metricValue": 1, "dimensionValue": "US"}]
    assert second.json["context"]["breakdown"] == "country"
    assert second.json["pagination"]["itemsTotal"] == 2


async def test_time_series(seeded):
    """Hours for up to two days, else days. Intervals without plays are omitted.

    See service.md#analytics-time-span.
    """

    async def series(*params: tuple[str, str]) -> tuple[str, list[tuple[str, float]]]:
        reply = (await ask(seeded, "timeseries/play", params)).json
        return reply["context"]["interval"], [
            (item["emittedAt"], item["metricValue"]) for item in reply["data"]
        ]

    def hour(hours: int) -> str:
        return (NOW - hours * HOUR).replace(minute=0).isoformat()

    assert await series() == ("hour", [(hour(3), 1), (hour(2), 2)])
    assert (await series(("sortBy", "emittedAt"), ("sortOrder", "desc")))[1] == [
        (hour(2), 2),
        (hour(3), 1),
    ]
    assert (await series(("sortBy", "metricValue"), ("sortOrder", "desc")))[1] == [
        (hour(2), 2),
        (hour(3), 1),
    ]
    interval, data = await series(("from", (NOW - timedelta(days=4)).isoformat()))
    assert interval == "day"
    assert sum(count for _, count in data) == 4
    assert all(day.endswith("T00:00:00+00:00") for day, _ in data)
    frame = (("from", (NOW - 2 * HOUR).isoformat()), ("to", (NOW - HOUR).isoformat()))
    assert await series(("interval", "minute"), *frame) == (
        "minute",
        [((NOW - 2 * HOUR).isoformat(), 2)],
    )


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ([("filterBy[country]", "FR")], 2),
        ([("filterBy[country][]", "FR"), ("filterBy[country][]", "US")], 3),
        ([("filterBy[browser][0]", "chrome"), ("filterBy[country][0]", "US")], 1),
        ([("filterBy[mediaId][]", "vi2")], 0),
        ([("filterBy[mediaType]", "live-stream")], 0),
        ([("filterBy[continent][]", "NA")], 1),
        ([("filterBy[deviceType]", "computer"), ("filterBy[operatingSystem]", "windows")], 3),
        ([("filterBy[referrer]", "https://a.test/?b=c")], 1),
        ([("filterBy[referrer]", "https%3A%2F%2Fa.test%2F%3Fb%3Dc")], 1),
        ([("filterBy[referrer]", "")], 2),
    ],
)
async def test_filters(seeded, params, expected):
    """A key is written ``k``, ``k[]`` or ``k[0]``; a referrer is decoded once or twice.

    See service.md#filter-encoding.
    """
    assert (await ask(seeded, "metrics/play/count", params)).json["data"] == expected


async def test_filter_by_tag(api):
    """The filter takes one tag and distinguishes case (service.md#analytics-filters)."""
    video_id = await api.create(tags=["Cool videos"])
    api.emu.add_plays(play(media_id=video_id), play())
    for tag, expected in (("Cool videos", 1), ("cool videos", 0)):
        assert await number(api, "play/count", **{"filterBy[tag]": tag}) == expected


@pytest.mark.parametrize(
    ("path", "params", "name", "detail"),
    [
        ("metrics/play/count", [("from:2024", "")], "from:2024", "This field was not expected."),
        ("metrics/play/count", [("unique", "true")], "unique", "This field was not expected."),
        (
            "metrics/play/count",
            [("viewDuration", "5s")],
            "viewDuration",
            "This field was not expected.",
        ),
        (
            "metrics/play/count",
            [("currentPage", "1")],
            "currentPage",
            "This field was not expected.",
        ),
        ("buckets/play/country", [("interval", "day")], "interval", "This field was not expected."),
        (
            "metrics/play/count",
            [("filterBy[city]", "x")],
            "filterBy[city]",
            "This field was not expected.",
        ),
        (
            "metrics/play/total",
            [("filterBy[country]", "x")],
            "filterBy[country]",
            "This field was not expected.",
        ),
        (
            "buckets/play-total/media-id",
            [("filterBy[tag]", "x")],
            "filterBy[tag]",
            "This field was not expected.",
        ),
        (
            "timeseries/play",
            [("interval", "week")],
            "interval",
            'This interval is invalid. Use one of "minute", "hour", "day".',
        ),
        (
            "timeseries/play",
            [("interval", "minute")],
            "interval",
            "This interval cannot be used with a timeframe over 60 minutes.",
        ),
        (
            "metrics/view/count",
            [("viewDuration", "4s")],
            "viewDuration",
            'This view duration is invalid. Use one of "3s", "5s", "10s", "30s".',
        ),
        (
            "metrics/play/count",
            [("filterBy[referrer]", "é" * 2049)],
            "filterBy[referrer]",
            "This value should not contain more than 2048 characters.",
        ),
        ("metrics/play/count", [("from", "2024-02-05T00:00:00 01:00")], "from", None),
        ("metrics/play/count", [("to", "0001-01-01T00:00:00Z")], "to", None),
        ("metrics/play/count", [("from", (NOW - timedelta(days=40)).isoformat())], "from", None),
        (
            "metrics/play/count",
            [("from", (NOW + HOUR).isoformat()), ("to", NOW.isoformat())],
            "from",
            None,
        ),
        (
            "metrics/view/count",
            [("unique", "True")],
            "unique",
            "This value must be of type boolean.",
        ),
        ("metrics/play/count", [("filterBy[mediaType]", "audio")], "filterBy[mediaType]", None),
        ("metrics/play/count", [("filterBy[continent]", "XX")], "filterBy[continent]", None),
        (
            "metrics/play/count",
            [("filterBy[tag]", "a"), ("filterBy[tag]", "b")],
            "filterBy[tag]",
            None,
        ),
        ("buckets/play/country", [("sortBy", "emittedAt")], "sortBy", None),
        ("timeseries/play", [("sortOrder", "down")], "sortOrder", None),
    ],
)
async def test_refused_parameters(api, path, params, name, detail):
    reply = await ask(api, path, params)
    assert (reply.status, reply.slug, reply.json["name"]) == (
        400,
        "request-invalid-query-parameter",
        name,
    )
    assert detail in (None, reply.json["detail"])


@pytest.mark.parametrize(
    "path",
    [
        "metrics/play/sum",
        "metrics/plays/count",
        "metrics/ccv/count",
        "buckets/impression-time/country",
        "buckets/play/city",
        "buckets/play-total/country",
        "timeseries/play-total",
        "metrics",
    ],
)
async def test_combinations_that_do_not_exist(api, path):
    """Such a path is an unknown URL (service.md#analytics-operations)."""
    reply = await ask(api, path)
    assert (reply.status, reply.slug) == (404, "unrecognized-request-url")


async def test_plays_from_another_process(api):
    """``POST /_emulator/plays`` accepts the fields of ``Play``."""
    seed = [
        {
            "media_id": "vi1",
            "at": (NOW - HOUR).isoformat(),
            "watched": 12.5,
            "browser": "edge",
            "city": None,
        }
    ]
    reply = await api.send("POST", "/_emulator/plays", json=seed, auth=False)
    assert reply.status == 201
    assert [session.startswith("ps") for session in reply.json] == [True]
    assert await buckets(api, "play/browser") == [("edge", 1)]
    for wrong in (
        {},
        5,
        {"media_id": "vi1"},
        {**seed[0], "at": "soon"},
        {**seed[0], "x": 1},
        {**seed[0], "watched": ""},
    ):
        refused = await api.send("POST", "/_emulator/plays", json=[wrong], auth=False)
        assert (refused.status, refused.slug) == (400, "invalid-payload")
    assert (await api.send("DELETE", "/_emulator/plays", auth=False)).status == 204
    assert await number(api, "play/count") == 0


async def test_the_number_of_past_days_can_be_set(start):
    api = await start(analytics_days=10_000)
    api.emu.add_plays(Play(media_id="vi1", at=datetime(2024, 5, 28, 12)))
    frame = {"from": "2024-05-28T14:00:00+02:00", "to": "2024-05-29T00:00:00+00:00"}
    assert await number(api, "play/count", **frame) == 1
    assert (
        await api.send("GET", "/data/metrics/play/count?from=2024-05-28T14:00:00%2B02:00")
    ).json["data"] == 1
