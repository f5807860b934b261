"""Every upload error of service.md#upload-errors, provoked by raw HTTP."""

import pytest

from apivideo_async.emulator.rules.error_types import UPLOAD_ERRORS

MIN = 1024
MAX = 64 * 1024
CR = "video-content-range"
BYTES = f"{CR}-by-bytes"
PART = f"{CR}-by-part"

# Earlier chunks: [(Content-Range, size)], then the request that is refused, then slug and detail.
CASES = [
    ([], (None, 0), "uploaded-file-empty", None),
    ([], ("part 1/1", 0), "uploaded-file-empty", None),
    ([], (None, MAX + 1), "uploaded-file-too-large", None),
    ([], ("part 1/2", MAX + 1), "uploaded-file-too-large", None),
    ([(None, 10)], (None, 10), "video-source-already-uploaded", None),
    ([("part 1/1", 10)], ("part 1/1", 10), "video-source-already-uploaded", None),
    ([("part 1/2", MIN)], (None, 10), f"{CR}-already-initiated", None),
    ([("bytes 0-1023/*", MIN)], (None, 10), f"{CR}-already-initiated", None),
    ([("bytes 0-1023/*", MIN)], ("part 2/2", MIN), f"{CR}-started-with-bytes", None),
    ([("part 1/2", MIN)], ("bytes 0-1023/2048", MIN), f"{CR}-started-with-part", None),
    ([], ("bytes 0-5242879", MIN), f"{CR}-malformed", None),
    ([], ("part%201%2F3", MIN), f"{CR}-malformed", None),
    ([], ("part 1/", MIN), f"{CR}-malformed", None),
    ([], ("bytes -5/10", MIN), f"{CR}-malformed", None),
    ([], ("", MIN), f"{CR}-malformed", None),
    (
        [("bytes 0-1023/4096", MIN)],
        ("bytes 1024-2047/4097", MIN),
        f"{BYTES}-different-total-bytes",
        'The "total_bytes" you already set for this video is 4096.',
    ),
    ([], ("bytes 200-100/5000", MIN), f"{BYTES}-from-byte-too-high", None),
    (
        [],
        ("bytes 0-1024/4096", MIN),
        f"{BYTES}-range-mismatch",
        "The size of the file you sent is 1024 bytes but the range length you set is 1025.",
    ),
    ([("bytes 0-1023/4096", MIN)], ("bytes 0-1023/4096", MIN), f"{BYTES}-range-overlap", None),
    ([("bytes 1024-2047/4096", MIN)], ("bytes 500-1523/4096", MIN), f"{BYTES}-range-overlap", None),
    ([("bytes 0-1023/4096", MIN)], ("bytes 1023-2046/4096", MIN), f"{BYTES}-range-overlap", None),
    ([], ("bytes 0-99/4096", 100), f"{BYTES}-range-too-small", None),
    ([("bytes 2048-3071/*", MIN)], ("bytes 0-99/*", 100), f"{BYTES}-range-too-small", None),
    (
        [("bytes 0-99/*", 100)],
        ("bytes 100-1123/*", MIN),
        f"{BYTES}-range-too-small",
        "A range below",
    ),
    ([], (f"bytes 0-{MAX}/{2 * MAX}", MAX + 1), f"{BYTES}-range-too-large", None),
    ([], ("bytes 52428799000-52428800000/*", 1001), f"{BYTES}-to-byte-too-high-allowed", None),
    ([], ("bytes 0-4096/4096", 4097), f"{BYTES}-to-byte-too-high-total", None),
    (
        [("bytes 0-1023/4096", MIN)],
        ("bytes 4096-5119/*", MIN),
        f"{BYTES}-to-byte-too-high-total",
        None,
    ),
    ([], ("bytes 0-1023/52428800001", MIN), f"{BYTES}-total-bytes-too-high", None),
    (
        [("bytes 2048-3071/*", MIN)],
        ("bytes 0-1023/3071", MIN),
        f"{BYTES}-total-bytes-too-low",
        None,
    ),
    ([], ("bytes 0-0/0", 1), f"{BYTES}-total-bytes-zero", None),
    (
        [("part 1/3", MIN)],
        ("part 2/4", MIN),
        f"{PART}-different-total-parts",
        'The "total_parts" you already set for this video is 3.',
    ),
    (
        [("part 2/*", MIN)],
        ("part 2/*", MIN),
        f"{PART}-part-already-sent",
        "The part number 2 has already been sent.",
    ),
    ([], ("part 10001/*", MIN), f"{PART}-part-too-high-allowed", None),
    ([], ("part 4/3", MIN), f"{PART}-part-too-high-total", None),
    ([("part 1/3", MIN)], ("part 4/*", MIN), f"{PART}-part-too-high-total", None),
    ([], ("part 0/3", MIN), f"{PART}-part-zero", None),
    ([], ("part 1/10001", MIN), f"{PART}-total-parts-too-high", None),
    ([("part 3/*", MIN)], ("part 1/2", MIN), f"{PART}-total-parts-too-low", None),
    ([], ("part 1/0", MIN), f"{PART}-total-parts-zero", None),
    ([], ("part 1/2", 10), f"{PART}-uploaded-file-too-small", None),
    ([("part 2/*", MIN)], ("part 1/*", 10), f"{PART}-uploaded-file-too-small", None),
    (
        [("part 1/*", 10)],
        ("part 2/*", MIN),
        f"{PART}-uploaded-file-too-small",
        "The part number 1 is below",
    ),
    (
        [("part 1/*", 10)],
        ("part 2/2", MIN),
        f"{PART}-uploaded-file-too-small",
        "The part number 1 is below",
    ),
]


def assert_problem(reply, slug: str) -> None:
    _, name, title = UPLOAD_ERRORS[slug]
    assert reply.status == 400, reply.body
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json["type"] == f"https://docs.api.video/reference/{slug}"
    assert reply.json["title"] == title
    assert reply.json["name"] == name
    assert reply.json["status"] == 400


@pytest.mark.parametrize(("before", "refused", "slug", "detail"), CASES)
async def test_refused_with_its_slug_and_nothing_stored(
    api, content, before, refused, slug, detail
):
    """Slug, title and status are as documented; connection and media remain usable."""
    video_id = await api.create()
    for content_range, size in before:
        reply = await api.chunk(video_id, content(size), content_range)
        assert reply.status == 201, reply.body
    held = api.emu.media(video_id)
    content_range, size = refused
    reply = await api.chunk(video_id, content(size), content_range)
    assert_problem(reply, slug)
    if detail is not None:
        assert reply.json["detail"].startswith(detail)
    assert api.emu.media(video_id) == held


@pytest.mark.parametrize("delegated", [False, True])
async def test_forms_without_exactly_one_file(api, delegated):
    """No file, two files, no form at all, a broken form (service.md#upload-errors)."""
    path = (
        f"/upload?token={await api.token()}"
        if delegated
        else f"/videos/{await api.create()}/source"
    )
    assert_problem(await api.post_form(path, api.field("a", "b")), "uploaded-file-no-file")
    two = (api.file(b"1234"), api.file(b"5678"))
    assert_problem(await api.post_form(path, *two), "uploaded-file-multiple-files")
    for content_type in (
        "application/octet-stream",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
    ):
        reply = await api.send("POST", path, data=b"12345", headers={"Content-Type": content_type})
        assert_problem(reply, "uploaded-file-no-file")
    multipart = api.multipart
    reply = await api.send("POST", path, data=b"this is no form", headers=multipart)
    assert_problem(reply, "uploaded-file-invalid-file")
    unfinished = api.form(api.file(b"1234"))[:-20]
    assert_problem(
        await api.send("POST", path, data=unfinished, headers=multipart),
        "uploaded-file-invalid-file",
    )
    long_boundary = {"Content-Type": f"multipart/form-data; boundary={'x' * 1000}"}
    assert_problem(
        await api.send("POST", path, data=b"", headers=long_boundary), "uploaded-file-invalid-file"
    )
    long_field = api.form(api.field("a", "b" * 100_000))
    assert_problem(
        await api.send("POST", path, data=long_field, headers=multipart),
        "uploaded-file-invalid-file",
    )
    listed = (await api.send("GET", "/videos")).json["data"]
    assert len(listed) == (0 if delegated else 1)
    assert all(api.emu.size(video["videoId"]) == 0 for video in listed)


async def test_containers_with_a_source_are_closed(api, content):
    """Uploads to a container with a ``source`` are refused (service.md#upload-errors)."""
    original = await api.create()
    await api.chunk(original, content(10))
    for source, slug in (
        ("https://example.com/a.mp4", "video-source-already-downloaded"),
        (original, "video-source-already-copied"),
    ):
        created = await api.send("POST", "/videos", json={"title": "x", "source": source})
        assert created.status == 202
        assert_problem(await api.chunk(created.json["videoId"], content(10)), slug)


def test_every_documented_slug_has_a_case():
    """The table above is complete."""
    tabled = {case[2] for case in CASES}
    elsewhere = {
        "uploaded-file-no-file",
        "uploaded-file-multiple-files",
        "uploaded-file-invalid-file",
        "video-source-already-downloaded",
        "video-source-already-copied",
    }
    assert tabled | elsewhere == set(UPLOAD_ERRORS)


async def test_limits_of_the_protocol_are_the_documented_ones(start, content):
    """The real limits: a chunk of 5 MiB is accepted, and one byte less is refused."""
    api = await start(min_chunk=5 * 1024 * 1024, max_chunk=200 * 1024 * 1024)
    video_id = await api.create()
    least = 5 * 1024 * 1024
    assert_problem(
        await api.chunk(video_id, content(least - 1), "part 1/2"), f"{PART}-uploaded-file-too-small"
    )
    assert (await api.chunk(video_id, content(least), "part 1/2")).status == 201
    other = await api.create()
    for last, slug in (
        (200 * 1024 * 1024, "range-too-large"),
        (200 * 1024 * 1024 - 1, "range-mismatch"),
    ):
        assert_problem(await api.chunk(other, b"1", f"bytes 0-{last}/300000000"), f"{BYTES}-{slug}")


async def test_unknown_video(api, content):
    """An unknown videoId is a 404, on both endpoints (service.md#token-checks)."""
    assert (await api.chunk("vi0", content(10))).slug == "resource-not-found"
