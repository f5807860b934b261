"""`docs/migration.md` names every call of the official client, and methods that exist."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, is_typeddict

import pytest

from apivideo_async import ApiVideoClient

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("\n## Call by call\n") : PAGE.index("\n## Errors\n")]
ROWS = re.findall(r"^\| `(\w+)\.(\w+)[^|]*\| ([^|]*) \|", SECTION, re.MULTILINE)
CONNECTION = "AuthenticatedApiClient"
"""The class that is not a section of the API. Some of its methods are internal."""
CLIENT = ApiVideoClient(api_key="a-key")


def official_classes() -> Iterator[type[Any]]:
    import apivideo
    from apivideo import apis

    yield apivideo.AuthenticatedApiClient
    yield from (kind for _, kind in inspect.getmembers(apis, inspect.isclass))


def official_calls() -> set[tuple[str, str]]:
    """The public methods of all classes that a program calls."""
    return {
        (kind.__name__, name)
        for kind in official_classes()
        for name, _ in inspect.getmembers(kind, inspect.isroutine)
        if not name.startswith("_")
    }


def test_every_call_of_the_official_client_has_one_row() -> None:
    assert len(ROWS) == len({(kind, name) for kind, name, _ in ROWS})
    assert {(kind, name) for kind, name, _ in ROWS} == official_calls()


def arguments(method: Any) -> set[str]:
    """The names of a method's arguments, those of an unpacked TypedDict included."""
    names = set()
    for name, parameter in inspect.signature(method).parameters.items():
        fields = [each for each in get_args(parameter.annotation) if is_typeddict(each)]
        names |= set(fields[0].__annotations__) if fields else {name}
    return names


@pytest.mark.parametrize(("kind", "name", "here"), ROWS, ids=lambda value: value)
def test_the_replacement_of_a_call_exists_and_has_the_named_arguments(
    kind: str, name: str, here: str
) -> None:
    if here == "none":
        assert kind == CONNECTION, "every operation has a replacement"
        return
    found = re.fullmatch(r"`(client\.)?([\w.]+)(?:\((.*)\))?`", here)
    assert found is not None, here
    method: Any = ApiVideoClient if found[1] is None else CLIENT
    for part in found[2].split(".") if found[1] else ():
        method = getattr(method, part)
    names = [part.split("=")[0].strip() for part in (found[3] or "").split(",")]
    missing = {each for each in names if each not in ("", "…")} - arguments(method)
    assert not missing, f"{here} has no argument {missing}"


def test_rows_show_the_required_arguments_of_the_official_client() -> None:
    """`payload` stands for the object that contains the fields."""
    for kind in official_classes():
        for name in (each for owner, each, _ in ROWS if owner == kind.__name__):
            if kind.__name__ == CONNECTION:
                continue
            required = [
                "payload" if each.endswith("_payload") else each
                for each, parameter in inspect.signature(getattr(kind, name)).parameters.items()
                if each not in ("self", "kwargs") and parameter.default is parameter.empty
            ]
            row = re.search(
                rf"^\| `{kind.__name__}\.{name}(?:\(([^)]*)\))?`", SECTION, re.MULTILINE
            )
            assert row is not None
            shown = [each for each in (row[1] or "").split(", ") if each and "=" not in each]
            assert shown == required, row[0]
