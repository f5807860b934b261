"""Keys, tokens and the Authorization header (service.md#authentication)."""

import asyncio
import base64

import pytest


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def login(api):
    reply = await api.send("POST", "/auth/api-key", json={"apiKey": api.emu.api_key}, auth=False)
    assert reply.status == 200
    return reply.json


async def test_pair_of_tokens(api):
    pair = await login(api)
    assert set(pair) == {"token_type", "expires_in", "access_token", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 3600)
    assert isinstance(pair["expires_in"], int)
    assert len(pair["access_token"].split(".")) == 3
    assert (
        await api.send("GET", "/videos", auth=False, headers=bearer(pair["access_token"]))
    ).status == 200
    assert (await api.send("GET", "/videos")).status == 200


async def test_refresh_rotates(api):
    """Each refresh gives a new pair; only the old refresh token stops working.

    See service.md#token-renewal.
    """
    first = await login(api)
    body = f'{{"refreshToken": "{first["refresh_token"]}"}}'
    text = {"Content-Type": "text/plain;charset=UTF-8"}  # as the browser uploader sends it
    second = (await api.send("POST", "/auth/refresh", data=body, headers=text, auth=False)).json
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    again = await api.send("POST", "/auth/refresh", data=body, headers=text, auth=False)
    assert (again.status, again.slug) == (400, "authentication-invalid-user-credentials")
    for pair in (first, second):
        assert (
            await api.send("GET", "/videos", headers=bearer(pair["access_token"]))
        ).status == 200


@pytest.mark.parametrize("status", [400, 401])
async def test_wrong_keys(start, status):
    """400 as in the specification, 401 as in the error pages (service.md#refused-credentials)."""
    api = await start(invalid_key_status=status)
    key = await api.send("POST", "/auth/api-key", json={"apiKey": "wrong"})
    token = await api.send("POST", "/auth/refresh", json={"refreshToken": "wrong"})
    assert (key.status, token.status) == (status, status)
    if status == 400:
        assert key.slug == token.slug == "authentication-invalid-user-credentials"
        assert key.json["name"] == ""
    else:
        assert key.slug == "authentication-invalid-api-key"
        assert token.slug == "authentication-invalid-refresh-token"


async def test_bad_payloads(api):
    missing = await api.send("POST", "/auth/api-key", json={})
    assert (missing.status, missing.slug, missing.json["name"]) == (
        400,
        "attribute-required",
        "apiKey",
    )
    for body in (b"", b"{", b"[]", b'"x"'):
        assert (await api.send("POST", "/auth/api-key", data=body)).slug == "invalid-payload"
    assert (
        await api.send("POST", "/auth/refresh", json={"refreshToken": 5})
    ).slug == "invalid-attribute"


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({}, "missing-authorization-header"),
        ({"Authorization": ""}, "missing-authorization-header"),
        ({"Authorization": "Bearer"}, "invalid-authorization-header-value"),
        ({"Authorization": "Basic"}, "invalid-authorization-header-value"),
        ({"Authorization": "Digest abc"}, "invalid-authorization-header-value"),
        ({"Authorization": "sometoken"}, "invalid-authorization-header-value"),
        ({"Authorization": "Basic ???"}, "invalid-authorization-header-value"),
        (basic("no colon"), "invalid-authorization-header-value"),
        (basic("wrong:"), "invalid-api-key"),
        (bearer("wrong"), "invalid-access-token"),
    ],
)
async def test_documented_401(api, headers, slug):
    """All but /auth/*, /upload and assets need credentials (service.md#authentication)."""
    for method, path in (
        ("GET", "/videos"),
        ("POST", "/videos/vi0/source"),
        ("DELETE", "/upload-tokens/to0"),
    ):
        reply = await api.send(method, path, auth=False, headers=headers)
        assert (reply.status, reply.slug) == (401, f"authentication-{slug}")
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert reply.json["status"] == 401


async def test_the_key_with_a_password_is_refused(api):
    reply = await api.send(
        "GET", "/videos", auth=False, headers=basic(f"{api.emu.api_key}:password")
    )
    assert (reply.status, reply.slug) == (401, "authentication-invalid-api-key")


async def test_a_key_that_utf8_cannot_hold_is_a_wrong_key(api):
    reply = await api.send("POST", "/auth/api-key", data=b'{"apiKey": "\\ud800"}', auth=False)
    assert (reply.status, reply.slug) == (400, "authentication-invalid-user-credentials")


async def test_scheme_in_any_case(api):
    pair = await login(api)
    assert (
        await api.send(
            "GET", "/videos", headers={"Authorization": f"bearer {pair['access_token']}"}
        )
    ).status == 200
    value = api.auth["Authorization"].replace("Basic", "BASIC")
    assert (await api.send("GET", "/videos", headers={"Authorization": value})).status == 200


async def test_access_tokens_expire(start):
    api = await start(token_lifetime=0.2)
    pair = await login(api)
    assert pair["expires_in"] == 0.2
    headers = bearer(pair["access_token"])
    assert (await api.send("GET", "/videos", headers=headers)).status == 200
    await asyncio.sleep(0.25)
    assert (
        await api.send("GET", "/videos", headers=headers)
    ).slug == "authentication-invalid-access-token"
    renewed = await api.send("POST", "/auth/refresh", json={"refreshToken": pair["refresh_token"]})
    assert renewed.status == 200


async def test_the_log_names_credentials_and_contains_no_secret(api):
    pair = await login(api)
    await api.send("GET", "/videos", headers=bearer(pair["access_token"]))
    await api.send("GET", "/videos")
    assert [record.token_id for record in api.emu.requests] == [None, "access-1", "api-key"]
    assert pair["access_token"] not in repr(api.emu.requests)
    assert api.emu.api_key not in repr(api.emu.requests)
