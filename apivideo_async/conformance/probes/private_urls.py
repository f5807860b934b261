"""The question which addresses private videos and live streams have."""

import re
from typing import Any

from ...protocol.json_body import as_json
from ...protocol.request import build_request, path_for
from ..observations import UndeterminedError
from ..service import NAME, Answer, Service

__all__ = ["private_urls"]

_TOKEN = re.compile(r"/(token|private)/[^/]+")
_ASSETS = ("player", "hls")


async def private_urls(service: Service) -> None:
    """Create a private video and a private live stream, and read their addresses."""
    video_id, answer = await service.create("private", public=False)
    forms = [f"videos: {_forms(answer, video_id)}"]
    live = await _create_live_stream(service)
    live_forms = _forms(*live)
    forms.append(f"live streams: {live_forms}")
    text = f"Private {'; '.join(forms)}."
    if "/private/" in live_forms:
        service.findings.differs("private-urls", text)
    elif "{token}" in live_forms:
        service.findings.agrees("private-urls", text)
    else:
        raise UndeterminedError(f"the addresses contain no token. {text[:-1]}")


async def _create_live_stream(service: Service) -> tuple[Answer, str]:
    body = as_json({"name": NAME, "public": False})
    request = build_request("live_streams.create", "POST", "/live-streams", body=body)
    answer = await service.send(request)
    live_stream_id = answer.json().get("liveStreamId")
    if not answer.ok or not isinstance(live_stream_id, str) or not live_stream_id:
        raise UndeterminedError(f"a live stream could not be created: {answer}")
    path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
    service.videos.add(path)
    return answer, live_stream_id


def _forms(answer: Answer, item_id: str) -> str:
    """Return the addresses without host, id and token."""
    assets: Any = answer.json().get("assets")
    found = assets if isinstance(assets, dict) else {}
    forms = [_form(found[name], item_id) for name in _ASSETS if isinstance(found.get(name), str)]
    return ", ".join(forms) or "no addresses"


def _form(address: str, item_id: str) -> str:
    path, _, query = address.partition("://")[2].partition("?")
    path = f"/{path.partition('/')[2]}"
    form = _TOKEN.sub(r"/\1/{token}", path).replace(item_id, "{id}")
    # Nothing else of the query is shown, because any parameter may be a secret.
    return f"{form}?token={{token}}" if "token=" in query else form
