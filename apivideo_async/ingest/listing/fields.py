"""The fields of a source that the caller describes: names, types, and their forms in CSV.

Field names are those of ``videos.create``, in the spelling of Python or of the API (``player_id``,
``playerId``, ``player``). In CSV, an empty cell means that the field is not set, lists are
separated by ``;``, and a column ``metadata.X`` sets the metadata pair ``X``.
"""

import functools
import json
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import attrs
from attrs import field, frozen
from cattrs import AttributeValidationNote, ClassValidationError, Converter

from ...text import clean

__all__ = ["COLUMNS", "field_name", "structured"]

_ALIASES: Final = {"path": "uri", "url": "uri", "player": "player_id"}


def _about(text: str) -> Any:
    return field(default=None, metadata={"about": text})


@frozen(kw_only=True)
class _Fields:
    """The types of the fields. A field that is not given keeps None."""

    uri: str = field(
        metadata={
            "about": "The source: a path, s3://, gs://, az:// or http(s)://. Required. Paths are "
            "relative to the folder of the manifest. Other names: path, url."
        }
    )
    version: str | None = _about("Version of an object or URL: another one is ingested anew.")
    title: str | None = _about("Title. Default: the name of the file.")
    description: str | None = _about("Description.")
    tags: list[str] | None = _about("Tags; in CSV separated by semicolons.")
    metadata: dict[str, str] | None = _about(
        "Metadata pairs, an object; in CSV a column metadata.NAME for each pair."
    )
    public: bool | None = _about("false makes the video private.")
    panoramic: bool | None = _about("true for a 360° video.")
    mp4_support: bool | None = _about("Offer an MP4 version for download.")
    player_id: str | None = _about("The player theme. Other name: player.")
    language: str | None = _about("Spoken language, such as fr.")
    transcript: bool | None = _about("Generate captions from the speech.")
    transcript_summary: bool | None = _about("Generate a summary from the transcript.")
    transcript_summary_attributes: list[str] | None = _about(
        "Parts of the summary: abstract, takeaways."
    )


COLUMNS: Final[dict[str, str]] = {
    each.name: each.metadata["about"] for each in attrs.fields(_Fields)
}
"""The fields of a manifest, with a sentence for the help of the command line."""


def _text(value: Any, _: Any = None) -> str:
    if not isinstance(value, str) or value == "":
        raise _wrong("a text", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(value[error.start]):04x}"
        raise ValueError(
            f"has half of a character, {code}: a pair of such escapes stands for one character"
        ) from None
    if "\0" in value:
        raise ValueError("contains a NUL character, which neither api.video nor a path can have")
    return value


def _text_or_empty(value: str) -> str:
    return _text(value) if value else value


def _boolean(value: Any, _: Any = None) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def _texts(value: Any, _: Any = None) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong("a list of texts", value)
    return list(map(_text_or_empty, value))


def _pairs(value: Any, _: Any = None) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(each, str) for pair in value.items() for each in pair
    ):
        raise _wrong("an object whose values are texts", value)
    return {_text(key): _text_or_empty(each) for key, each in value.items()}


def _wrong(kind: str, value: Any) -> ValueError:
    text = repr(value)
    if not isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False, default=repr)
    return ValueError(f"must be {kind}, not {clean(text, 60)}")


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}


def _boolean_cell(cell: str, _: Any = None) -> bool:
    return _boolean(_BOOLEANS.get(cell.lower(), cell))


def _texts_cell(cell: str, _: Any = None) -> list[str]:
    return _texts([part.strip() for part in cell.split(";") if part.strip()])


def _pairs_cell(cell: str, _: Any = None) -> dict[str, str]:
    value: Any = cell
    with suppress(ValueError, RecursionError):
        value = json.loads(cell)
    return _pairs(value)


def _converter(
    boolean: Callable[..., bool],
    texts: Callable[..., list[str]],
    pairs: Callable[..., dict[str, str]],
) -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, boolean)
    converter.register_structure_hook_func(functools.partial(operator.eq, list[str]), texts)
    converter.register_structure_hook_func(functools.partial(operator.eq, dict[str, str]), pairs)
    return converter


_OF_JSON: Final = _converter(_boolean, _texts, _pairs)
_OF_CELLS: Final = _converter(_boolean_cell, _texts_cell, _pairs_cell)


@functools.lru_cache(maxsize=256)
def field_name(name: str) -> str | None:
    """Return the Python name of a field, or ``metadata.X`` unchanged; None if there is none."""
    if name.startswith("metadata.") and len(name) > len("metadata."):
        return name
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    snake = re.sub(r"[\s-]+", "_", snake)
    snake = _ALIASES.get(snake, snake)
    return snake if snake in COLUMNS else None


def structured(
    given: Mapping[str, Any], *, from_csv: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of the fields and, by field, the problems of those that are invalid.

    ``given`` has Python names. With ``from_csv``, its values are cells.
    """
    converter = _OF_CELLS if from_csv else _OF_JSON
    try:
        fields = converter.structure({"uri": "missing", **given}, _Fields)
    except ClassValidationError as group:
        return {}, {_field_of(error): str(error) for error in group.exceptions}
    return {name: getattr(fields, name) for name in given}, {}


def _field_of(error: BaseException) -> str:
    notes = getattr(error, "__notes__", ())
    return next(note.name for note in notes if isinstance(note, AttributeValidationNote))
