"""Quirks: how they are named, set and removed, in Python, over the control API, by the command."""

import pytest

from apivideo_async.emulator import Emulator, QuirkSet
from apivideo_async.emulator.quirks.catalogue import CATALOGUE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("problem-json", True),
        ("chunks-in-order", "400"),
        ("chunks-in-order=422", "422"),
        ("one-chunk-at-a-time=wait", "wait"),
        ("status-delay=0.25", 0.25),
        ("minimum-chunk=6000000", 6_000_000),
        ("upload-response=204", "204"),
        ("gateway-response=520-after", "520-after"),
    ],
)
def test_a_text_names_a_quirk_and_its_value(text, value):
    assert list(QuirkSet([text]).values()) == [value]


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("chunks-in-order", 409, "409"),
        ("chunks-in-order", None, "400"),
        ("problem-json", None, True),
        ("problem-json", True, True),
        ("status-delay", 2, 2.0),
        ("minimum-chunk", "10", 10),
    ],
)
def test_a_mapping_gives_values(name, value, stored):
    assert QuirkSet({name: value})[name] == stored


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("late-chunks", "unknown quirk 'late-chunks'; the quirks are chunks-in-order, "),
        ("", "unknown quirk ''"),
        ("problem-json=1", "problem-json has no value"),
        ("problem-json=", "problem-json has no value"),
        ("chunks-in-order=404", "one of 400, 409, 422, not '404'"),
        ("upload-response", "needs a value: upload-response=id|empty|"),
        ("status-delay", "needs a value: status-delay=SECONDS"),
        ("status-delay=-1", "a number of seconds, not '-1'"),
        ("status-delay=inf", "a number of seconds, not 'inf'"),
        ("minimum-chunk=0", "a number of bytes, at least 1, not '0'"),
        ("minimum-chunk=1.5", "a number of bytes, at least 1, not '1.5'"),
        ("minimum-chunk=5MiB", "a number of bytes, at least 1, not '5MiB'"),
    ],
)
def test_a_wrong_quirk_is_refused_and_none_of_the_list_is_set(text, message):
    quirks = QuirkSet()
    with pytest.raises(ValueError, match="quirk") as error:
        quirks.add("no-parts", text)
    assert message in str(error.value)
    assert dict(quirks) == {}
    with pytest.raises(ValueError, match="quirk"):
        Emulator(quirks=[text])


def test_the_set_shows_its_quirks():
    assert repr(QuirkSet(["no-parts"])) == "QuirkSet({'no-parts': True})"


def test_one_text_is_not_a_list():
    with pytest.raises(TypeError, match="not one text"):
        QuirkSet("no-parts")


def test_each_quirk_says_what_it_changes():
    for name, quirk in CATALOGUE.items():
        assert quirk.name == name
        assert quirk.usage.startswith(name)
        assert quirk.summary.endswith(".")


async def test_quirks_change_at_run_time(api):
    path = "/videos/vi0"
    usual = (await api.send("GET", path)).headers["Content-Type"]
    api.emu.quirks["rate-headers"] = "absent"
    assert "X-RateLimit-Limit" not in (await api.send("GET", path)).headers
    del api.emu.quirks["rate-headers"]
    assert "X-RateLimit-Limit" in (await api.send("GET", path)).headers
    assert usual == "application/json"


async def test_the_control_api_sets_and_removes_quirks(api):
    path = "/_emulator/quirks"
    shown = (await api.send("GET", path)).json
    assert shown["quirks"] == {}
    assert [each["name"] for each in shown["catalogue"]] == list(CATALOGUE)
    assert shown["catalogue"][0]["usage"] == "chunks-in-order[=400|409|422]"

    async def send(method, value, status=200):
        reply = await api.send(method, path, json=value)
        assert reply.status == status
        return reply

    assert (await send("PUT", {"status-delay": 0.5})).json == {"quirks": {"status-delay": 0.5}}
    assert dict(api.emu.quirks) == {"status-delay": 0.5}
    await send("POST", ["no-parts", "chunks-in-order=409"])
    assert set(api.emu.quirks) == {"status-delay", "no-parts", "chunks-in-order"}
    refused = await send("PUT", ["no-chunks"], 400)
    assert "unknown quirk 'no-chunks'; the quirks are " in refused.json["detail"]
    for wrong in ("no-parts", 7, [7], {"no-parts": 7}):
        await send("POST", wrong, 400)
    assert set(api.emu.quirks) == {"status-delay", "no-parts", "chunks-in-order"}
    await send("PUT", {"problem-json": True})
    assert dict(api.emu.quirks) == {"problem-json": True}
    assert (await api.send("DELETE", f"{path}/problem-json")).status == 204
    assert (await api.send("DELETE", f"{path}/problem-json")).status == 404
    await send("PUT", ["no-parts"])
    assert (await api.send("DELETE", path)).status == 204
    assert dict(api.emu.quirks) == {}
