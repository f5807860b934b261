"""Web pages cannot use the emulator without its key, control it, or reach local services."""

import asyncio
import re

import pytest
from aiohttp import web

from apivideo_async.emulator import Emulator

FOREIGN_ORIGINS = (
    "http://evil.example",
    "https://evil.example:443",
    "null",
    "",
    "file://",
    "chrome-extension://abc",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost:{port}",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}@evil.example",
    "http://127.0.0.1:{port}/",
    "http://[::1]:{port}",
    "HTTP://127.0.0.1:{port}",
    "http://127.0.0.1:{port} http://evil.example",
)
CONTROL = (
    ("GET", "/"),
    ("GET", "/_emulator/health"),
    ("GET", "/_emulator/requests"),
    ("DELETE", "/_emulator/requests"),
    ("POST", "/_emulator/faults"),
    ("GET", "/%5Femulator/faults"),
    ("POST", "/_emulator/plays"),
    ("POST", "/_emulator/deliveries/1"),
    ("OPTIONS", "/_emulator/faults"),
    ("GET", "/_emulator/unknown"),
)
RULE = '[{"operation": "*", "action": "status", "times": null}]'


async def host(api, name, path="/_emulator/health"):
    return (await api.send("GET", path, headers={"Host": name.format(port=api.emu.port)})).status


# -- Host


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1:{port}",
        "localhost:{port}",
        "LOCALHOST:{port}",
        "localhost",
        "localhost.:{port}",
        "localhost:1",
        "127.0.0.1",
        "127.8.8.8:{port}",
        "[::1]:{port}",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "localhost:",
    ],
)
async def test_names_of_this_machine_are_accepted(api, name):
    """With any port: a forwarded port differs from the one that the emulator listens on."""
    assert await host(api, name) == await host(api, name, "/videos") == 200


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1.evil.example",
        "x.localhost",
        "evil-localhost",
        "10.0.0.1:{port}",
        "0.0.0.0:{port}",
        "[::]:{port}",
        "[fe80::1]",
        "2130706433",
        "",
        ":1",
        "localhost:80:80",
        "localhost:x",
        "localhost/",
        "user@localhost",
        "localhost@evil.example",
        "[::1",
        "::1",
        "localhost,evil.example",
        "localhost evil.example",
        "loc\u00e0lhost",
        "locaľhost",
        "LOCALHO\u017fT",
    ],
)
async def test_other_names_are_refused_for_every_path(api, name):
    """A page whose name resolves to 127.0.0.1 (DNS rebinding) is the same origin to the browser."""
    for path in ("/_emulator/health", "/", "/videos", "/vod/vi1/player", "/nothing"):
        reply = await api.send("GET", path, headers={"Host": name.format(port=api.emu.port)})
        assert reply.status in {403, 400}  # 400: aiohttp's own parser refuses the header.
        assert "Access-Control-Allow-Origin" not in reply.headers
    assert api.emu.requests == []
    assert (await api.send("GET", "/videos")).status == 200


async def test_the_refusal_says_what_to_do(api):
    reply = await api.send(
        "POST", "/videos", json={"title": "x"}, headers={"Host": "emulator:8700"}
    )
    assert reply.status == 403
    assert "--allow-host" in reply.json["detail"]
    assert len(api.emu.state.videos) == 0


async def test_allowed_hosts_are_accepted_in_addition(start):
    api = await start(allowed_hosts=["emulator", "my_box.Test", "10.1.2.3", "::2", "[::3]"])
    for name in (
        "emulator",
        "EMULATOR:8700",
        "my_box.test.",
        "10.1.2.3:8700",
        "[::2]",
        "[::3]:1",
        "localhost",
    ):
        assert await host(api, name) == 200, name
    for name in ("emulator.evil.example", "a.emulator", "10.1.2.4", "[::4]"):
        assert await host(api, name) == 403, name


@pytest.mark.parametrize(
    "name", ["http://emulator", "emulator:8700", "[::1]:1", "", "a b", "*", "loc\u00e0l"]
)
def test_an_allowed_host_is_a_name_or_an_address(name):
    with pytest.raises(ValueError, match="allowed_hosts"):
        Emulator(allowed_hosts=[name])


def test_one_text_is_not_a_list_of_hosts():
    with pytest.raises(TypeError, match="list"):
        Emulator(allowed_hosts="emulator")


async def test_all_interfaces_accept_addresses_and_no_names(start):
    """An IP address cannot be rebound, and other machines use the address of this one."""
    api = await start(host="0.0.0.0")
    assert [
        await host(api, name) for name in ("10.0.0.1:1", "[fe80::1]", "0.0.0.0:1", "localhost")
    ] == [200] * 4
    assert [
        await host(api, name) for name in ("evil.example", "emulator", "10.0.0.1.evil.example")
    ] == [403] * 3


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("GET /_emulator/health HTTP/1.0\r\n", "200"),
        ("GET http://localhost/_emulator/health HTTP/1.1\r\nHost: localhost\r\n", "200"),
        ("GET http://evil.example/_emulator/health HTTP/1.1\r\nHost: localhost\r\n", "403"),
        ("GET http://localhost/_emulator/health HTTP/1.1\r\nHost: evil.example\r\n", "403"),
        ("GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", "40[03]"),
    ],
)
async def test_host_as_no_browser_sends_it(api, lines, status):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.emu.port)
    writer.write(f"{lines}Connection: close\r\n\r\n".encode())
    first = (await reader.readline()).decode()
    writer.close()
    await writer.wait_closed()
    assert re.match(rf"HTTP/1\.[01] {status} ", first), first


# -- Origin


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_pages_of_other_origins_control_nothing(api, origin):
    headers = {"Origin": origin.format(port=api.emu.port), "Content-Type": "text/plain"}
    for method, path in CONTROL:
        reply = await api.send(
            method, path, auth=False, headers=headers, data=RULE if method == "POST" else None
        )
        assert reply.status == 403, path
        assert not [name for name in reply.headers if name.startswith("Access-Control-")]
    assert len(api.emu.faults) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_requests_without_origin_are_refused_by_their_site(api, site):
    """``<img>`` and ``<script>`` send such requests; another port is the same site."""
    for method, path in CONTROL:
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        assert (await api.send(method, path, auth=False, headers=headers)).status == 403, path
    frame = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert (await api.send("GET", "/", auth=False, headers=frame)).status == 403
    form = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (
        await api.send("POST", "/_emulator/faults", auth=False, headers=form, data=RULE)
    ).status == 403
    assert len(api.emu.faults) == 0
    assert (
        await api.send("GET", "/", auth=False, headers=form)
    ).status == 200  # The user follows a link.


@pytest.mark.parametrize(
    "name", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "localhost"]
)
async def test_its_own_pages_and_other_programs_control_it(api, name):
    name = name.format(port=api.emu.port)
    pages = (
        {"Host": name},
        {"Host": name, "Origin": f"http://{name}"},
        {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"},
        {
            "Host": name,
            "Sec-Fetch-Site": "none",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
        {"Host": name, "Sec-Fetch-Mode": "cors"},  # Node's fetch.
    )
    for headers in pages:
        reply = await api.send("GET", "/_emulator/health", auth=False, headers=headers)
        assert reply.status == 200, headers
        assert not [name for name in reply.headers if name.startswith("Access-Control-")]
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_a_preflight_does_not_open_the_control(api):
    asked = {
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Private-Network": "true",
    }
    for origin in ("http://evil.example", api.emu.url):
        reply = await api.send(
            "OPTIONS", "/_emulator/faults", auth=False, headers={"Origin": origin, **asked}
        )
        assert reply.status in {403, 405}
        assert not [name for name in reply.headers if name.startswith("Access-Control-")]


async def test_the_private_network_is_not_opened(api):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Private-Network": "true"}
    reply = await api.send("OPTIONS", "/upload?token=x", auth=False, headers=asked)
    assert reply.status == 204
    assert "Access-Control-Allow-Private-Network" not in reply.headers


async def test_a_page_uploads_with_a_token_and_plays(api, content):
    """Pages of other origins can use delegated uploads and players, as with the service."""
    page = {
        "Origin": "https://shop.example",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "cors",
    }
    data = content(2000)
    sent = await api.post_form(
        f"/upload?token={await api.token()}", api.file(data), auth=False, headers=page
    )
    assert sent.status == 201
    assert sent.headers["Access-Control-Allow-Origin"] == "*"
    played = await api.send(
        "GET", f"/vod/{sent.json['videoId']}/hls/media.mp4", auth=False, headers=page
    )
    assert (played.status, played.body) == (200, data)
    assert played.headers["Access-Control-Allow-Origin"] == "*"


# -- credentials


def test_every_emulator_has_a_key_of_its_own():
    keys = {Emulator(seed=1).api_key for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", key) for key in keys)
    assert Emulator(api_key="given").api_key == "given"
    with pytest.raises(ValueError, match="api_key is empty"):
        Emulator(api_key="")


async def test_a_seed_does_not_reveal_tokens(start):
    """Tokens are repeatable only with the same key."""

    async def tokens(**settings):
        api = await start(seed=3, **settings)
        pair = await api.send("POST", "/auth/api-key", json={"apiKey": api.emu.api_key}, auth=False)
        video = (await api.send("POST", "/videos", json={"title": "x", "public": False})).json
        made = [pair.json["access_token"], pair.json["refresh_token"], video["assets"]["hls"]]
        return [text.replace(str(api.emu.port), "") for text in made]

    first, second = await tokens(), await tokens()
    assert not set(first) & set(second)
    assert await tokens(api_key="k") == await tokens(api_key="k")


async def test_without_a_seed_ids_differ(start):
    """Public media need no key, so pages must not be able to predict ids."""
    apis = [await start() for _ in range(2)]
    assert len({await api.create() for api in apis}) == 2


# -- calls that the emulator makes


@pytest.fixture
async def local_service():
    """Another service of this machine, and the requests that it received."""
    received = []

    async def serve(request):
        received.append(request.path)
        return web.Response(text="secret of a local service")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", received
    await runner.cleanup()


@pytest.mark.parametrize("settings", [{}, {"allow_network": True}])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_a_source_that_a_page_gives_is_not_fetched(start, local_service, settings, origin):
    url, received = local_service
    api = await start(**settings)
    headers = {} if origin is None else {"Origin": origin}
    reply = await api.send(
        "POST", "/videos", json={"title": "x", "source": f"{url}/x"}, headers=headers
    )
    assert reply.status == 202
    await api.emu.settled()
    assert received == ([] if origin else ["/x"])
    fetched = await api.send("GET", f"/vod/{reply.json['videoId']}/hls/media.mp4", auth=False)
    assert fetched.status == (404 if origin else 200)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_nothing_is_delivered_to_a_url_that_a_page_subscribed(start, local_service, origin):
    url, received = local_service
    api = await start(webhook_pause=0, allow_network=True)
    hook = {"url": f"{url}/hook", "events": ["video.encoding.quality.completed"]}
    headers = {} if origin is None else {"Origin": origin}
    made = await api.send("POST", "/webhooks", json=hook, headers=headers)
    assert made.status == 201
    assert set(made.json) == {"webhookId", "createdAt", "events", "url", "signatureSecret"}
    await api.chunk(await api.create(), b"x" * 2000)
    await api.emu.settled()
    await api.send("POST", "/_emulator/deliveries/1", auth=False)
    await api.emu.settled()
    assert {delivery.state for delivery in api.emu.deliveries} == {
        "not-allowed" if origin else "delivered"
    }
    assert set(received) == (set() if origin else {"/hook"})
