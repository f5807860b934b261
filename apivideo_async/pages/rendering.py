"""Reads templates, style sheets and scripts from packages. It needs ``jinja2``."""

from functools import cache
from importlib.resources import files

import jinja2

__all__ = ["BASE_STYLE", "environment", "read_text"]

BASE_STYLE = (__package__, "base.css")
"""Package and name of the style sheet of all pages."""


@cache
def environment(package: str) -> jinja2.Environment:
    """Return the templates of a package. Texts in them are escaped."""
    return jinja2.Environment(
        # Not a loader for folders: the package may be in a zip file.
        loader=jinja2.FunctionLoader(lambda name: read_text(package, name)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


@cache
def read_text(package: str, name: str) -> str:
    """Return a file of a package; ``name`` may contain folders."""
    return files(package).joinpath(*name.split("/")).read_text("utf-8")
