"""Player themes, watermarks, tags.

See service.md#player-operations, service.md#watermark-operations, service.md#tag-operations.
"""

import asyncio

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def keys(reply, name):
    return [item[name] for item in reply.json["data"]]


async def test_a_new_player_has_the_defaults(api):
    """``{}`` is sufficient. The colours are those of the service, the assets null.

    See service.md#player-record.
    """
    reply = await api.send("POST", "/players", json={})
    assert reply.status == 201
    player = reply.json
    assert player["playerId"].startswith("pl")
    assert (player["text"], player["trackPlayed"]) == (
        "rgba(255, 255, 255, 1)",
        "rgba(88, 131, 255, .95)",
    )
    assert (player["enableApi"], player["forceLoop"]) == (True, False)
    assert player["assets"] == {"logo": None, "link": None}
    assert (await api.send("GET", f"/players/{player['playerId']}")).json == player


async def test_players_are_updated_and_deleted(api):
    player = (
        await api.send("POST", "/players", json={"name": "one", "text": "red", "shapeRadius": 3})
    ).json
    path = f"/players/{player['playerId']}"
    reply = await api.send("PATCH", path, json={"hideTitle": True})
    assert reply.status == 200
    assert (reply.json["name"], reply.json["text"], reply.json["hideTitle"]) == ("one", "red", True)
    assert "shapeRadius" not in reply.json
    for wrong in ({"name": "x" * 101}, {"text": 1}, {"enableApi": "true"}, {"link": None}):
        refused = await api.send("PATCH", path, json=wrong)
        assert (refused.status, refused.slug, refused.json["name"]) == (
            400,
            "invalid-attribute",
            next(iter(wrong)),
        )
    assert (await api.send("DELETE", path)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        gone = await api.send(method, path, json={})
        assert (gone.status, gone.json["name"]) == (404, "playerId")


async def test_players_are_sorted(api):
    made = [
        (await api.send("POST", "/players", json={"name": name})).json["playerId"]
        for name in ("b", "a", "C")
    ]
    assert keys(await api.send("GET", "/players"), "playerId") == made[::-1]
    assert keys(await api.send("GET", "/players?sortBy=name"), "playerId") == [
        made[1],
        made[0],
        made[2],
    ]
    assert (
        keys(await api.send("GET", "/players?sortBy=createdAt&pageSize=2"), "playerId") == made[:2]
    )
    await asyncio.sleep(0.01)
    await api.send("PATCH", f"/players/{made[0]}", json={})
    updated = await api.send("GET", "/players?sortBy=updatedAt&sortOrder=desc")
    assert keys(updated, "playerId") == [made[0], made[2], made[1]]
    assert (await api.send("GET", "/players?sortBy=text")).slug == "request-invalid-query-parameter"


async def test_logos_of_players(api):
    """201 for the upload, 204 for the deletion; any link (service.md#player-operations)."""
    path = f"/players/{(await api.send('POST', '/players', json={})).json['playerId']}"
    reply = await api.post_form(f"{path}/logo", api.field("link", "no URL"), api.file(PNG, "a.png"))
    assert reply.status == 201
    url = reply.json["assets"]["logo"]
    assert (url, reply.json["assets"]["link"]) == (
        f"{api.emu.url}{path.replace('players', 'player')}/logo.png",
        "no URL",
    )
    assert (await api.send("GET", url, auth=False)).body == PNG
    wrong = await api.post_form(f"{path}/logo", api.file(PNG, "a.webp"))
    assert (
        wrong.json["title"]
        == "Only ['jpg', 'JPG', 'jpeg', 'JPEG', 'png', 'PNG'] extensions are supported."
    )
    large = await api.post_form(f"{path}/logo", api.file(bytes(100 * 1024 + 1), "a.png"))
    assert (large.status, large.slug) == (400, "uploaded-file-too-large")
    assert (await api.send("DELETE", f"{path}/logo")).status == 204
    assert (await api.send("GET", path)).json["assets"] == {"logo": None, "link": None}
    assert (await api.send("GET", url, auth=False)).status == 404
    assert (await api.send("DELETE", "/players/pl0/logo")).json["name"] == "playerId"


async def test_watermarks(api):
    """An upload of jpeg or png returns 200 with id and date (service.md#watermark-operations)."""
    reply = await api.post_form("/watermarks", api.file(PNG, "a.png"))
    assert (reply.status, set(reply.json)) == (200, {"watermarkId", "createdAt"})
    other = (await api.post_form("/watermarks", api.file(PNG, "b.JPEG"))).json["watermarkId"]
    made = [reply.json["watermarkId"], other]
    assert made[0].startswith("watermark_")
    assert keys(await api.send("GET", "/watermarks"), "watermarkId") == made[::-1]
    assert (
        keys(await api.send("GET", "/watermarks?sortBy=createdAt&sortOrder=asc"), "watermarkId")
        == made
    )
    assert (await api.send("GET", "/watermarks?sortBy=id")).status == 400
    wrong = await api.post_form("/watermarks", api.file(PNG, "a.webp"))
    assert wrong.json["title"] == "Only [jpeg, jpg, JPG, JPEG, png, PNG] extensions are supported."
    assert (await api.send("DELETE", f"/watermarks/{made[0]}")).status == 204
    gone = await api.send("DELETE", f"/watermarks/{made[0]}")
    assert (gone.status, gone.json["name"]) == (404, "watermarkId")
    assert (await api.send("GET", f"/watermarks/{made[1]}")).status == 405


async def test_tags_are_counted_over_the_videos(api):
    """Sorted by value. The filter matches parts, and ignores case and accents (service.md#tags)."""
    await api.create(tags=["Été", "maths", "maths"])
    last = await api.create(tags=["maths", "zoo"])

    async def tags(query: str = "") -> list[tuple[str, int]]:
        data = (await api.send("GET", f"/tags{query}")).json["data"]
        return [(tag["value"], tag["videoCount"]) for tag in data]

    assert await tags() == [("maths", 2), ("zoo", 1), ("Été", 1)]
    assert await tags("?sortOrder=desc") == [("Été", 1), ("zoo", 1), ("maths", 2)]
    assert await tags("?sortBy=videoCount&sortOrder=desc") == [("maths", 2), ("Été", 1), ("zoo", 1)]
    assert await tags("?value=ETE") == [("Été", 1)]
    assert await tags("?value=t") == [("maths", 2), ("Été", 1)]
    assert await tags("?pageSize=1&currentPage=2") == [("zoo", 1)]
    await api.send("DELETE", f"/videos/{last}")
    assert await tags() == [("maths", 1), ("Été", 1)]


async def test_a_picked_moment_changes_the_thumbnail(api):
    """A picked moment replaces an uploaded picture. Another moment gives another picture."""
    video_id = await api.create()
    path, url = f"/videos/{video_id}/thumbnail", f"/vod/{video_id}/thumbnail.jpg"
    await api.post_form(path, api.file(PNG, "a.png"))
    seen = [(await api.send("GET", url, auth=False)).body]
    for moment in ("00:00:01.000", "00:00:02.000"):
        assert (await api.send("PATCH", path, json={"timecode": moment})).status == 200
        seen.append((await api.send("GET", url, auth=False)).body)
    assert seen[0] == PNG
    assert len(set(seen)) == 3
