"""Request bodies in the forms that the official clients send are accepted."""

import io

import pytest

SIZES = (3000, 3000, 500)


def python_part(api, data: bytes, fields: dict[str, str]) -> tuple[str, bytes]:
    """Fields first, then ``file``; a boundary of 32 hexadecimal digits."""
    boundary = "5f4dcc3b5aa765d61d8327deb882cf99"
    parts = [api.field(name, value) for name, value in fields.items()]
    return boundary, api.form(
        *parts, api.file(data, "clip.mp4", content_type="video/mp4"), boundary=boundary
    )


def node_part(api, data: bytes, fields: dict[str, str]) -> tuple[str, bytes]:
    """The file first, in a field with the name of the file; then the fields."""
    boundary = "-" * 26 + "123456789012345678901234"
    parts = [api.field(name, value) for name, value in fields.items()]
    file = api.file(data, "clip.mp4", name="clip.mp4", content_type="video/mp4")
    return boundary, api.form(file, *parts, boundary=boundary)


def browser_part(api, data: bytes, fields: dict[str, str]) -> tuple[str, bytes]:
    """Fields first, a file without a content type, and a WebKit boundary."""
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    parts = [api.field(name, value) for name, value in fields.items()]
    return boundary, api.form(*parts, api.file(data, "clip.mp4"), boundary=boundary)


CLIENTS = {
    "python": (python_part, {"AV-Origin-Client": "python:1.4.7", "Accept": "application/json"}),
    "node": (
        node_part,
        {
            "AV-Origin-Client": "nodejs:2.6.8",
            "Authorization": "",
            "Accept": "application/json, */*;q=0.8",
        },
    ),
    "browser": (
        browser_part,
        {"AV-Origin-Client": "typescript-uploader:1.1.6", "Origin": "http://page"},
    ),
}


@pytest.fixture(params=CLIENTS)
def client(request, api):
    build, headers = CLIENTS[request.param]

    async def send(path: str, data: bytes, content_range: str | None = None, **fields: str):
        boundary, body = build(api, data, fields)
        extra = {"Content-Type": f"multipart/form-data; boundary={boundary}", **headers}
        if path.startswith("/videos"):
            extra.update(api.auth)
        if content_range is not None:
            extra["Content-Range"] = content_range
        return await api.send("POST", path, data=io.BytesIO(body), headers=extra, auth=False)

    return send


async def test_small_file(api, client, content):
    """A small file has ``part 1/1`` or no ``Content-Range``."""
    for content_range in ("part 1/1", None):
        video_id = await api.create()
        reply = await client(f"/videos/{video_id}/source", content(700), content_range)
        assert (reply.status, reply.json["title"]) == (201, "a video")
        assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("total", ["3", "*"])
async def test_chunked_file(api, client, content, total):
    """Chunks are ``part n/m``, or ``part n/*`` and last ``part n/n``; responses have the videoId.

    From the second chunk on, the browser client sends ``videoId``, which is not a field of /source.
    """
    video_id = await api.create()
    data = [content(size) for size in SIZES]
    for number, piece in enumerate(data, start=1):
        fields = {"videoId": video_id} if number > 1 else {}
        header = f"part {number}/{3 if number == 3 else total}"
        reply = await client(f"/videos/{video_id}/source", piece, header, **fields)
        assert (reply.status, reply.json["videoId"]) == (201, video_id)
    assert api.emu.size(video_id) == sum(SIZES)
    assert api.emu.media(video_id).complete


async def test_delegated_progressive_session(api, client, content):
    """``videoId`` from the second part on, before or after the file; Authorization is ignored."""
    path = f"/upload?token={await api.token()}"
    video_id = None
    for number, size in enumerate(SIZES, start=1):
        fields = {} if video_id is None else {"videoId": video_id}
        reply = await client(
            path, content(size), f"part {number}/{3 if number == 3 else '*'}", **fields
        )
        assert reply.status == 201
        video_id = reply.json["videoId"]
    assert (reply.json["title"], api.emu.size(video_id)) == ("clip.mp4", sum(SIZES))


async def test_content_type_without_a_body(api):
    """The Python client sends ``application/json`` with requests that have no body."""
    video_id = await api.create()
    headers = {"Content-Type": "application/json"}
    assert (await api.send("GET", f"/videos/{video_id}", headers=headers)).status == 200
    assert (await api.send("DELETE", f"/videos/{video_id}", headers=headers)).status == 204


async def test_non_ascii_names(api):
    path = f"/upload?token={await api.token()}"
    reply = await api.post_form(path, api.file(b"x", "été \u2603.mp4"), auth=False)
    assert reply.json["title"] == "été \u2603.mp4"
