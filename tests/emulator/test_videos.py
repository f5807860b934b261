"""Containers: creation, merge patch, lists, thumbnails, discarded videos.

See service.md#merge-rules, service.md#video-operations, service.md#pagination.
"""

import asyncio
import io

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


async def test_created_container(api):
    reply = await api.send("POST", "/videos", json={"title": "été", "unknown": 1})
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json"
    video = reply.json
    assert video["videoId"].startswith("vi")
    assert (video["title"], video["description"], video["tags"], video["metadata"]) == (
        "été",
        "",
        [],
        [],
    )
    assert (video["public"], video["panoramic"], video["mp4Support"]) == (True, False, True)
    assert (video["discarded"], video["discardedAt"], video["deletesAt"]) == (False, None, None)
    assert video["source"] == {"uri": f"/videos/{video['videoId']}/source"}
    assert set(video["assets"]) == {"iframe", "player", "hls", "thumbnail", "mp4"}
    assert "playerId" not in video
    assert "language" not in video
    assert video["createdAt"].endswith("+00:00")
    assert (await api.send("GET", f"/videos/{video['videoId']}")).json == video


@pytest.mark.parametrize(
    ("payload", "slug", "name", "detail"),
    [
        ({}, "attribute-required", "title", None),
        ({"title": None}, "invalid-attribute", "title", "This value should not be null."),
        ({"title": " "}, "invalid-attribute", "title", "This value should not be blank."),
        ({"title": 5}, "invalid-attribute", "title", "This value must be of type string."),
        (
            {"title": "x", "public": "yes"},
            "invalid-attribute",
            "public",
            "This value must be of type boolean.",
        ),
        ({"title": "x", "tags": "a"}, "invalid-attribute", "tags", None),
        (
            {"title": "x", "tags": [1]},
            "invalid-attribute",
            "tags[0]",
            "This value must be of type string.",
        ),
        ({"title": "x", "metadata": {}}, "invalid-attribute", "metadata", None),
        (
            {"title": "x", "metadata": [{"key": "a"}]},
            "attribute-required",
            "metadata[0][value]",
            None,
        ),
        (
            {"title": "x", "metadata": ["a"]},
            "invalid-attribute",
            "metadata[0]",
            "This value must be of type object.",
        ),
        (
            {"title": "x", "language": "xx"},
            "invalid-attribute",
            "language",
            'The "language" attribute is not valid.',
        ),
        (
            {"title": "x", "language": "fr_BE"},
            "invalid-attribute",
            "language",
            'The "language" attribute must contain only letters and dashes '
            '(for example "fr", "fr-BE").',
        ),
        ({"title": "x", "source": "ftp://x"}, "invalid-attribute", "source", None),
        (
            {"title": "x", "clip": {"startTimecode": "1:2"}},
            "invalid-attribute",
            "clip[startTimecode]",
            None,
        ),
        ({"title": "x", "transcriptSummary": 1}, "invalid-attribute", "transcriptSummary", None),
        (
            {"title": "x", "watermark": None},
            "invalid-attribute",
            "watermark",
            "This value should not be null.",
        ),
        (
            {"title": "x", "watermark": {"opacity": 50}},
            "invalid-attribute",
            "watermark[opacity]",
            None,
        ),
        (
            {"title": "x", "clip": {"endTimecode": 5}},
            "invalid-attribute",
            "clip[endTimecode]",
            None,
        ),
        ({"title": "x", "clip": 5}, "invalid-attribute", "clip", None),
        (
            {"title": "x", "transcriptSummaryAttributes": ["x"]},
            "invalid-attribute",
            "transcriptSummaryAttributes[0]",
            None,
        ),
    ],
)
async def test_refused_creation(api, payload, slug, name, detail):
    """The first problem is at the top level, and ``problems`` has all of them.

    See service.md#error-bodies, service.md#error-details.
    """
    reply = await api.send("POST", "/videos", json=payload)
    assert (reply.status, reply.slug, reply.json["name"]) == (400, slug, name)
    if detail is not None:
        assert reply.json["detail"] == detail
    assert reply.json["problems"][0]["name"] == name
    assert (await api.send("GET", "/videos")).json["data"] == []


async def test_everything_that_may_be_sent(api):
    """All attributes of the creation schema at once (service.md#video-attributes)."""
    await api.create(
        description="d",
        public=True,
        panoramic=True,
        mp4Support=False,
        playerId="pl1",
        tags=["a"],
        metadata=[{"key": "k", "value": "v"}],
        clip={"startTimecode": "00:00:01.5", "endTimecode": "90"},
        watermark={"id": "watermark_1", "bottom": "10px"},
        language="no",
        transcript=True,
        transcriptSummary=True,
        transcriptSummaryAttributes=["abstract", "takeaways"],
    )


async def test_all_faults_are_listed(api):
    body = (await api.send("POST", "/videos", json={"tags": 1, "metadata": 2})).json
    assert [problem["name"] for problem in body["problems"]] == ["title", "tags", "metadata"]
    assert body["problems"][1]["title"] == "This attribute must be an array."
    assert (await api.send("POST", "/videos", data=b"{")).slug == "invalid-payload"


async def test_merge_patch(api):
    """Absent attributes stay, arrays are replaced, null removes player and language.

    See service.md#merge-rules.
    """
    pairs = [{"key": "a", "value": "1"}]
    video_id = await api.create(
        "one", tags=["a"], metadata=pairs, playerId="pl1", language="fr", description="d"
    )
    path = f"/videos/{video_id}"
    video = (await api.send("PATCH", path, json={"title": "two"})).json
    assert (video["title"], video["tags"], video["metadata"], video["playerId"]) == (
        "two",
        ["a"],
        pairs,
        "pl1",
    )
    assert (video["language"], video["languageOrigin"]) == ("fr", "api")
    video = (await api.send("PATCH", path, json={"tags": ["b", "c"], "metadata": []})).json
    assert (video["tags"], video["metadata"], video["description"]) == (["b", "c"], [], "d")
    video = (await api.send("PATCH", path, json={"playerId": None, "language": None})).json
    assert "playerId" not in video
    assert "language" not in video
    for wrong in ({"title": None}, {"description": None}, {"public": None}, {"tags": None}):
        reply = await api.send("PATCH", path, json=wrong)
        assert (reply.status, reply.slug) == (400, "invalid-attribute")
    assert (await api.send("PATCH", path, json={})).json["title"] == "two"


async def test_unknown_videos_and_urls(api):
    for method, path in (
        ("GET", "/videos/vi0"),
        ("PATCH", "/videos/vi0"),
        ("DELETE", "/videos/vi0"),
        ("GET", "/videos/vi0/status"),
        ("POST", "/videos/vi0/thumbnail"),
        ("PATCH", "/videos/vi0/thumbnail"),
        ("GET", "/discarded/videos/vi0"),
        ("PATCH", "/discarded/videos/vi0"),
    ):
        reply = await api.send(method, path, json={} if method == "PATCH" else None)
        assert (reply.status, reply.slug, reply.json["name"]) == (
            404,
            "resource-not-found",
            "videoId",
        ), path
        assert reply.json["title"] == "The requested resource could not be found."
    unknown = await api.send("GET", "/nope/1")
    assert (unknown.status, unknown.slug, "name" in unknown.json) == (
        404,
        "unrecognized-request-url",
        False,
    )
    wrong = await api.send("PUT", "/videos")
    assert (wrong.status, wrong.slug) == (405, "method-not-allowed")
    assert wrong.json["title"] == "Method is not allowed for this route."


async def test_delete_twice(api, content):
    video_id = await api.create()
    await api.chunk(video_id, content(10))
    first = await api.send("DELETE", f"/videos/{video_id}")
    assert (first.status, first.body) == (204, b"")
    assert "Content-Type" not in first.headers
    assert (await api.send("DELETE", f"/videos/{video_id}")).status == 404
    assert list(api.directory.iterdir()) == []
    assert (await api.send("GET", "/discarded/videos")).json["data"] == []


def ids(reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [video["videoId"] for video in reply.json["data"]]


async def test_filters(api):
    """Substrings for texts; several tags or pairs must all match (service.md#list-filters)."""
    one = await api.create(
        "Maths one", tags=["a", "b c"], metadata=[{"key": "lang", "value": "fr"}]
    )
    two = await api.create(
        "maths TWO", tags=["a"], description="Strings", metadata=[{"key": "lang", "value": "en"}]
    )
    three = await api.create("other")
    for query, expected in (
        ("", [three, two, one]),
        ("title=MATHS", [two, one]),
        ("description=string", [two]),
        ("tags[]=a", [two, one]),
        ("tags%5B%5D=a&tags%5B%5D=b+c", [one]),
        ("tags%5B0%5D=a", [two, one]),
        ("metadata[lang]=fr", [one]),
        ("metadata%5Blang%5D=fr&metadata%5Bx%5D=y", []),
        ("liveStreamId=li1", []),
        ("unknown=1", [three, two, one]),
        ("sortBy=title&sortOrder=asc", [one, two, three]),
        ("sortBy=title&sortOrder=desc", [three, two, one]),
        ("sortBy=createdAt&sortOrder=asc", [one, two, three]),
        ("sortBy=publishedAt&sortOrder=desc", [three, two, one]),
        ("sortOrder=asc", [one, two, three]),
    ):
        assert ids(await api.send("GET", f"/videos?{query}")) == expected, query
    await asyncio.sleep(0.01)
    await api.send("PATCH", f"/videos/{one}", json={"title": "x"})
    assert ids(await api.send("GET", "/videos?sortBy=updatedAt&sortOrder=desc")) == [
        one,
        three,
        two,
    ]
    for query in ("sortBy=nothing", "sortOrder=up"):
        reply = await api.send("GET", f"/videos?{query}")
        assert (reply.status, reply.slug) == (400, "request-invalid-query-parameter")


async def test_pages(api):
    """Relative links that keep the query; previous from page 2 on (service.md#page-links)."""
    made = [await api.create(f"v{number}", tags=["é &"]) for number in range(5)][::-1]
    seen = []
    for page in (1, 2, 3):
        reply = await api.send(
            "GET",
            "/videos",
            params=[("tags[]", "é &"), ("currentPage", str(page)), ("pageSize", "2")],
        )
        seen += ids(reply)
        pagination = reply.json["pagination"]
        links = {link["rel"]: link["uri"] for link in pagination.pop("links")}
        expected = {"self": page, "first": 1, "last": 3}
        expected |= {"previous": page - 1} if page > 1 else {}
        expected |= {"next": page + 1} if page < 3 else {}
        assert links == {
            rel: f"/videos?currentPage={number}&pageSize=2&tags%5B%5D=%C3%A9+%26"
            for rel, number in expected.items()
        }
        assert pagination == {
            "currentPage": page,
            "currentPageItems": 2 if page < 3 else 1,
            "pageSize": 2,
            "pagesTotal": 3,
            "itemsTotal": 5,
        }
    assert seen == made
    beyond = (await api.send("GET", "/videos?currentPage=9")).json
    assert (beyond["data"], beyond["pagination"]["currentPageItems"]) == ([], 0)
    assert ids(await api.send("GET", links["previous"])) == made[2:4]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("currentPage=0", ["page"]),
        ("currentPage=x", ["page"]),
        ("pageSize=0", ["pageSize"]),
        ("pageSize=101", ["pageSize"]),
        ("currentPage=-1&pageSize=x", ["page", "pageSize"]),
    ],
)
async def test_pages_out_of_range(api, query, names):
    """An error without a type that calls currentPage `page` (service.md#page-limits)."""
    for path in ("/videos", "/upload-tokens", "/discarded/videos"):
        body = (await api.send("GET", f"{path}?{query}")).json
        assert "type" not in body
        assert (body["status"], body["name"]) == (400, names[0])
        assert body["title"] == "This parameter is out of the allowed range of values."
        assert [problem["name"] for problem in body["problems"]] == names
        assert body["range"] == ({"min": 1} if names[0] == "page" else {"min": 1, "max": 100})


async def test_discarded_videos(start, content):
    """With Video Restore a deleted video can come back (service.md#discarded-videos)."""
    api = await start(video_restore=True)
    video_id = await api.create("gone")
    await api.chunk(video_id, content(100))
    digest = api.emu.sha256(video_id)
    assert (await api.send("DELETE", f"/videos/{video_id}")).status == 204
    assert (await api.send("GET", f"/videos/{video_id}")).status == 404
    assert (await api.send("GET", f"/vod/{video_id}/mp4/source.mp4")).status == 404
    video = (await api.send("GET", f"/discarded/videos/{video_id}")).json
    assert (video["discarded"], video["assets"]) == (True, None)
    assert video["deletesAt"] > video["discardedAt"]
    assert ids(await api.send("GET", "/discarded/videos?title=gone")) == [video_id]
    path = f"/discarded/videos/{video_id}"
    wrong = await api.send("PATCH", path, json={"discarded": True})
    assert (wrong.status, wrong.json["detail"]) == (400, "Value must be false.")
    assert (await api.send("PATCH", path, json={})).slug == "attribute-required"
    restored = await api.send("PATCH", path, json={"discarded": False})
    assert (restored.status, restored.json["discarded"]) == (200, False)
    assert restored.json["assets"] is not None
    assert api.emu.sha256(video_id) == digest
    assert (await api.send("GET", path)).status == 404


async def test_thumbnails(api):
    """jpeg, png and webp up to 8 MiB; the response is 200 (service.md#thumbnails)."""
    video_id = await api.create()
    path = f"/videos/{video_id}/thumbnail"
    url = f"/vod/{video_id}/thumbnail.jpg"
    default = await api.send("GET", url, auth=False)
    assert default.headers["Content-Type"] == "image/png"
    for filename, content_type, served in (
        ("a.JPG", None, "image/jpeg"),
        ("a.png", None, "image/png"),
        ("blob", "image/webp", "image/webp"),
    ):
        reply = await api.post_form(path, api.file(PNG, filename, content_type=content_type))
        assert reply.status == 200
        picture = await api.send("GET", url, auth=False)
        assert (picture.body, picture.headers["Content-Type"]) == (PNG, served)
    wrong = await api.post_form(path, api.file(PNG, "a.gif"))
    assert (wrong.status, wrong.slug, wrong.json["name"]) == (
        400,
        "uploaded-file-extension-invalid",
        "file",
    )
    assert (await api.post_form(path, api.file(b"", "a.png"))).slug == "uploaded-file-empty"
    large = await api.post_form(path, api.file(bytes(8 * 1024 * 1024 + 1), "a.png"))
    assert large.slug == "uploaded-file-too-large"
    assert (await api.post_form(path, api.field("a", "b"))).slug == "uploaded-file-no-file"
    picked = await api.send("PATCH", path, json={"timecode": "99:00:00.000"})
    assert picked.status == 200
    assert (await api.send("PATCH", path, json={})).slug == "attribute-required"


async def test_same_seed_same_ids(start):
    """Ids are drawn per kind, so reading private videos does not change them."""
    made = []
    for reads in (0, 3):
        api = await start(seed=7)
        first = await api.create("one", public=False)
        for _ in range(reads):
            await api.send("GET", f"/videos/{first}")
        made.append([first, await api.create("two"), await api.token()])
    assert made[0] == made[1]
    assert made[0] != [await (await start(seed=8)).create("one")]


async def test_encoding_by_status_reads(start, content):
    """Waiting, encoding, encoded; playable with the first quality (service.md#encoding-status)."""
    api = await start(encoding="polls:4")
    video_id = await api.create()
    assert (await api.status(video_id))["encoding"]["qualities"] == []
    await api.chunk(video_id, content(10))
    playable, first, width = [], [], []
    for _ in range(9):
        encoding = (await api.status(video_id))["encoding"]
        playable.append(encoding["playable"])
        first.append(encoding["qualities"][0]["status"])
        width.append(encoding["metadata"]["width"])
    assert playable == [False] * 4 + [True] * 5
    assert first == ["waiting"] * 3 + ["encoding"] + ["encoded"] * 5
    assert width == [None] * 4 + [1280] * 5, "nothing is known of the streams before"
    assert encoding["metadata"]["duration"] == 1
    assert encoding["qualities"][-1]["status"] == "encoded"


async def test_encoding_by_the_clock(start, content):
    api = await start(encoding="0.2")
    video_id = await api.create()
    await api.chunk(video_id, content(10))
    assert (await api.status(video_id))["encoding"]["playable"] is False
    await asyncio.sleep(0.25)
    assert (await api.status(video_id))["encoding"]["playable"] is True


async def test_upload_tokens(api):
    """200 at creation, `{}` is enough, expiresAt only with a ttl.

    See service.md#upload-token-operations, service.md#upload-token-record.
    """
    forever = await api.send("POST", "/upload-tokens", json={})
    assert forever.status == 200
    assert set(forever.json) == {"token", "ttl", "createdAt"}
    assert forever.json["token"].startswith("to")
    timed = (await api.send("POST", "/upload-tokens", json={"ttl": 3600})).json
    assert timed["expiresAt"] > timed["createdAt"]
    short = (await api.send("POST", "/upload-tokens", json={"ttl": 1})).json["token"]
    await asyncio.sleep(1.05)
    tokens = [forever.json["token"], timed["token"]]

    async def listed(query: str) -> list[str]:
        return [
            item["token"] for item in (await api.send("GET", f"/upload-tokens{query}")).json["data"]
        ]

    assert await listed("") == tokens[::-1]
    assert await listed("?sortBy=ttl&sortOrder=desc") == tokens[::-1]
    assert await listed("?sortBy=createdAt&sortOrder=asc") == tokens
    assert (await api.send("GET", f"/upload-tokens/{short}")).status == 404
    assert (await api.send("GET", f"/upload-tokens/{tokens[1]}")).json == timed
    assert (await api.send("DELETE", f"/upload-tokens/{tokens[1]}")).status == 204
    gone = await api.send("DELETE", f"/upload-tokens/{tokens[1]}")
    assert (gone.status, gone.json["name"]) == (404, "uploadToken")
    for ttl in (-1, 2**31, "x", True, 1.5, None):
        reply = await api.send("POST", "/upload-tokens", json={"ttl": ttl})
        assert (reply.status, reply.slug, reply.json["name"]) == (400, "invalid-attribute", "ttl")
    assert (await api.send("POST", "/upload-tokens")).slug == "invalid-payload"


async def test_the_emulators_own_failure(api, monkeypatch, caplog):
    """An error of the emulator is logged; the problem has no type (service.md#server-errors)."""

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(api.emu.state), "create_video", fail)
    reply = await api.send("POST", "/videos", json={"title": "x"})
    assert (reply.status, reply.json) == (500, {"title": "Server error", "status": 500})
    assert "broken" in caplog.text


async def test_payloads_over_the_limit(api):
    body = b'{"title": "' + b"x" * (17 * 1024 * 1024) + b'"}'
    assert (await api.send("POST", "/videos", data=io.BytesIO(body))).slug == "invalid-payload"
    assert (await api.send("GET", "/videos")).status == 200
