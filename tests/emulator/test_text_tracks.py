"""Captions and chapters.

See service.md#caption-operations, service.md#chapter-operations, service.md#text-tracks.
"""

import pytest

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nBonjour\n"


async def put(api, video_id, kind, language, data=VTT, filename="a.vtt", **options):
    return await api.post_form(
        f"/videos/{video_id}/{kind}/{language}", api.file(data, filename, **options)
    )


async def test_captions_are_stored_and_served(api):
    """200, with ``srclang`` and the native name of the language (service.md#caption-operations)."""
    video_id = await api.create()
    reply = await put(api, video_id, "captions", "fr-BE")
    path = f"/videos/{video_id}/captions/fr-BE"
    assert (reply.status, reply.json) == (
        200,
        {
            "uri": path,
            "src": f"{api.emu.url}/vod/{video_id}/captions/fr-BE.vtt",
            "srclang": "fr-BE",
            "languageName": "Français (Belgique)",
            "default": False,
        },
    )
    assert (await api.send("GET", path)).json == reply.json
    served = await api.send("GET", reply.json["src"], auth=False)
    assert (served.body, served.headers["Content-Type"]) == (VTT, "text/vtt; charset=utf-8")
    assert (await put(api, video_id, "captions", "fr-BE", b"not a VTT at all")).status == 200, (
        "the content is not validated"
    )
    assert (await api.send("GET", reply.json["src"], auth=False)).body == b"not a VTT at all"
    assert (await api.send("DELETE", path)).status == 204
    gone = await api.send("DELETE", path)
    assert (gone.status, gone.slug) == (404, "resource-not-found")
    assert (await api.send("GET", reply.json["src"], auth=False)).status == 404


async def test_chapters_are_stored_and_served(api):
    """A chapter has ``language``, accepts any language and cannot be updated.

    See service.md#chapter-operations.
    """
    video_id = await api.create()
    reply = await put(api, video_id, "chapters", "x_klingon")
    path = f"/videos/{video_id}/chapters/x_klingon"
    src = f"{api.emu.url}/vod/{video_id}/chapters/x_klingon.vtt"
    assert (reply.status, reply.json) == (200, {"uri": path, "src": src, "language": "x_klingon"})
    assert (await api.send("GET", path)).json == reply.json
    assert (await api.send("GET", src, auth=False)).body == VTT
    assert (await api.send("PATCH", path, json={})).status == 405
    assert (await api.send("DELETE", path)).status == 204
    assert (await api.send("GET", path)).status == 404


async def test_one_default_caption(api):
    """Setting one clears the others (service.md#text-tracks)."""
    video_id = await api.create()
    for language in ("en", "fr"):
        await put(api, video_id, "captions", language)
        reply = await api.send(
            "PATCH", f"/videos/{video_id}/captions/{language}", json={"default": True}
        )
        assert (reply.status, reply.json["default"]) == (200, True)

    async def defaults() -> dict[str, bool]:
        data = (await api.send("GET", f"/videos/{video_id}/captions")).json["data"]
        return {caption["srclang"]: caption["default"] for caption in data}

    assert await defaults() == {"en": False, "fr": True}
    await api.send("PATCH", f"/videos/{video_id}/captions/fr", json={})
    assert await defaults() == {"en": False, "fr": True}
    await api.send("PATCH", f"/videos/{video_id}/captions/fr", json={"default": False})
    assert await defaults() == {"en": False, "fr": False}
    wrong = await api.send("PATCH", f"/videos/{video_id}/captions/fr", json={"default": "yes"})
    assert (wrong.status, wrong.json["name"]) == (400, "default")


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        (
            "fr_BE",
            'The "language" attribute must contain only letters and dashes '
            '(for example "fr", "fr-BE").',
        ),
        ("tlh", 'The "language" attribute is not valid.'),
    ],
)
async def test_languages_that_captions_do_not_have(api, language, detail):
    """Every operation refuses them with one of two details (service.md#error-details)."""
    video_id = await api.create()
    path = f"/videos/{video_id}/captions/{language}"
    for reply in (
        await put(api, video_id, "captions", language),
        await api.send("GET", path),
        await api.send("PATCH", path, json={"default": True}),
        await api.send("DELETE", path),
    ):
        assert (reply.status, reply.slug) == (400, "invalid-attribute")
        assert (reply.json["name"], reply.json["detail"]) == ("language", detail)


async def test_only_vtt_files_are_accepted(api):
    """SRT files are refused. The content type of the part is accepted as well as the extension.

    See service.md#text-tracks.
    """
    video_id = await api.create()
    wrong = await put(api, video_id, "captions", "en", filename="a.srt")
    assert (wrong.status, wrong.slug) == (400, "uploaded-file-extension-invalid")
    assert (
        await put(api, video_id, "captions", "en", filename="blob", content_type="text/vtt")
    ).status == 200
    assert (await put(api, video_id, "captions", "en", b"")).slug == "uploaded-file-empty"


async def test_a_caption_language_may_have_digits(api):
    """Known languages such as ``es-419`` are accepted (service.md#caption-languages)."""
    video_id = await api.create()
    assert (await put(api, video_id, "captions", "es-419")).json["srclang"] == "es-419"


async def test_unknown_videos_and_languages(api):
    video_id = await api.create()
    for kind in ("captions", "chapters"):
        assert (await put(api, "vi0", kind, "en")).json["name"] == "videoId"
        for path in ("/videos/vi0/{}", "/videos/vi0/{}/en", f"/videos/{video_id}/{{}}/en"):
            reply = await api.send("GET", path.format(kind))
            assert (reply.status, reply.slug) == (404, "resource-not-found")


async def test_tracks_are_paginated(api):
    video_id = await api.create()
    for language in ("en", "fr", "de"):
        for kind in ("captions", "chapters"):
            await put(api, video_id, kind, language)
    for kind, key in (("captions", "srclang"), ("chapters", "language")):
        page = (await api.send("GET", f"/videos/{video_id}/{kind}?pageSize=2&currentPage=2")).json
        assert [track[key] for track in page["data"]] == ["de"]
        assert page["pagination"]["itemsTotal"] == 3


async def test_tracks_of_private_videos_need_their_token(api):
    """The token in ``src`` works once.

    See service.md#private-videos, service.md#other-private-assets.
    """
    video_id = await api.create(public=False)
    src = (await put(api, video_id, "captions", "en")).json["src"]
    assert "/token/" in src
    assert (await api.send("GET", f"/vod/{video_id}/captions/en.vtt", auth=False)).status == 404
    assert (await api.send("GET", src, auth=False)).body == VTT
    assert (await api.send("GET", src, auth=False)).status == 404
