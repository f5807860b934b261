"""Renders the templates of this package."""

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from aiohttp import web

__all__ = ["html_response", "static_text"]


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _source(name: str) -> str:
    # Not a loader for folders: the package may be in a zip file.
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def html_response(name: str, policy: str | None = None, **values: Any) -> web.Response:
    """Return a rendered template. Texts in ``values`` are escaped.

    ``policy`` is the Content-Security-Policy of the page.
    """
    headers = {} if policy is None else {"Content-Security-Policy": policy}
    text = _templates().get_template(name).render(values)
    return web.Response(text=text, content_type="text/html", headers=headers)


@cache
def static_text(name: str) -> str:
    """Return a style sheet or script of this package."""
    return files(__package__).joinpath("static", name).read_text("utf-8")
