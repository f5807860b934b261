"""Responses with the templates of this package."""

from typing import Any

from aiohttp import web

from ...pages.rendering import environment

__all__ = ["html_response"]


def html_response(name: str, policy: str | None = None, **values: Any) -> web.Response:
    """Return a rendered template. Texts in ``values`` are escaped.

    ``policy`` is the Content-Security-Policy of the page.
    """
    headers = {} if policy is None else {"Content-Security-Policy": policy}
    text = environment(__package__).get_template(f"templates/{name}").render(values)
    return web.Response(text=text, content_type="text/html", headers=headers)
