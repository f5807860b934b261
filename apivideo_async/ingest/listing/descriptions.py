"""Items of sources that the caller describes: a line of a manifest, a request to a web backend.

No store or server is asked, so a million items are created quickly. A missing object or web file is
found when the item is opened. ``fields`` has the names and types of the fields.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from ...errors import ConfigurationError
from ...uploads.sources.threads import in_thread
from ..items import INGEST_KEY, INGEST_LEDGER, Item, Strategy
from ..stores.local import list_file
from ..uris import parse_uri
from .fields import field_name, structured
from .sources import web_item

__all__ = ["Description", "described_item", "make_item", "parse_fields"]


@frozen
class Description:
    """The description of a source."""

    uri: str = ""
    """The address of the source; empty if it is missing."""
    version: str | None = None
    fields: dict[str, Any] = field(factory=dict)
    """Arguments of ``videos.create``."""
    problems: list[str] = field(factory=list)
    """Empty for a valid description."""


async def make_item(
    uri: str, *, version: str | None = None, strategy: Strategy = "stream", **fields: Any
) -> Item:
    """Create the item of one source.

    ``fields`` are those of a manifest, such as ``title``. ``version`` distinguishes one content of
    an object or URL from the next; without it, an address is ingested only once. Raises
    ``ConfigurationError`` for unknown or invalid fields, and ``SourceError`` for an address that
    cannot be a source or a local file that is missing. Both are subclasses of ``ValueError``.
    """
    given = {"uri": uri, "version": version, **fields}
    description = parse_fields(given.items(), from_csv=False)
    if description.problems:
        raise ConfigurationError("; ".join(description.problems))
    return await in_thread(described_item, description, Path(), strategy)


def described_item(description: Description, folder: Path, strategy: Strategy) -> Item:
    """Return the item of a valid description (blocking, because local files are checked).

    ``folder`` is the base of relative paths. Raises the errors of ``make_item``.
    """
    location = parse_uri(description.uri)
    if location.scheme != "file":
        item = web_item(description.uri, version=description.version, strategy=strategy)
    elif description.version is None:
        item = list_file(folder / location.path, strategy)
    else:
        raise ConfigurationError(
            "version is only for objects and URLs: the version of a file is its size and time"
        )
    described = bool(description.fields)
    return evolve(item, fields={**item.fields, **description.fields}, described=described)


def parse_fields(given: Iterable[tuple[str, Any]], *, from_csv: bool) -> Description:
    """Read the fields of a source (CSV cells with ``from_csv``), and collect their problems."""
    values: dict[str, Any] = {}
    pairs: dict[str, Any] = {}
    spellings: dict[str, str] = {}
    problems: list[str] = []
    for spelling, value in given:
        if value is None or (from_csv and not value.strip()):
            continue
        name = field_name(spelling)
        if name is None:
            problems.append(f"unknown field {spelling!r}")
        elif name in spellings:
            problems.append(f"{spelling} is given twice")
        elif name.startswith("metadata."):
            pairs[name.removeprefix("metadata.")] = value
        else:
            values[name] = value.strip() if from_csv else value
        if name is not None:
            spellings.setdefault(name, spelling)
    values, invalid = structured(values, from_csv=from_csv)
    problems += [f"{spellings[name]} {problem}" for name, problem in invalid.items()]
    problems += _add_pairs(values, pairs)
    if "uri" not in spellings:
        problems.append("no uri")
    return Description(values.pop("uri", ""), values.pop("version", None), values, problems)


def _add_pairs(values: dict[str, Any], pairs: dict[str, Any]) -> list[str]:
    """Add the fields ``metadata.X`` to the metadata, and return the problems of the metadata."""
    problems = []
    if pairs:
        checked, invalid = structured({"metadata": pairs}, from_csv=False)
        problems += [f"metadata {problem}" for problem in invalid.values()]
        repeated = sorted(values.get("metadata", {}).keys() & pairs.keys())
        problems += [f"metadata.{name} is given twice" for name in repeated]
        values["metadata"] = {**values.get("metadata", {}), **checked.get("metadata", {})}
    problems += [
        f"metadata.{name} is reserved: the ingestion sets it"
        for name in (INGEST_KEY, INGEST_LEDGER)
        if name in values.get("metadata", {})
    ]
    return problems
