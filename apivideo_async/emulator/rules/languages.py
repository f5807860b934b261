"""Languages of captions: 672 tags, each with the name of the language in that language.

See service.md#caption-languages.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from .problems import invalid_attribute, refuse_all

_FORM = re.compile(r"[A-Za-z-]+")


@cache
def _names() -> dict[str, str]:
    # The file is read at the first use only.
    names: dict[str, str] = json.loads(
        files(__package__).joinpath("caption_languages.json").read_bytes()
    )
    return names


def complaint(tag: str) -> str:
    """Return the text of the refusal of an unknown language.

    There are two texts, for illegal characters and for unknown tags (service.md#error-details).
    """
    if _FORM.fullmatch(tag):
        return 'The "language" attribute is not valid.'
    return (
        'The "language" attribute must contain only letters and dashes (for example "fr", "fr-BE").'
    )


def caption_language(tag: str) -> str:
    """Return the native name of a caption language. Raises a refusal if it is unknown."""
    if tag not in _names():
        raise refuse_all([invalid_attribute("language", complaint(tag))])
    return _names()[tag]
