"""The reference has every public name, command, setting, error and log event, and no others."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import attrs
import click
import pytest

import apivideo_async
from apivideo_async import ApiVideoClient, errors
from apivideo_async.cli.app import app
from apivideo_async.ingest import failures
from docs._site import commands, settings

from .pages import DOCS, ROOT

REFERENCE = DOCS / "reference"
PACKAGE = ROOT / "apivideo_async"
MODULES = (
    "apivideo_async",
    "apivideo_async.types",
    "apivideo_async.webhooks",
    "apivideo_async.emulator",
    "apivideo_async.ingest",
    "apivideo_async.distributed",
    "apivideo_async.conformance",
    "apivideo_async.pytest_plugin",
)
DESCRIBED = {
    name
    for page in REFERENCE.glob("*.md")
    for name in re.findall(r"^::: ([\w.]+)$", page.read_text(), re.MULTILINE)
}


def text(page: str) -> str:
    return (REFERENCE / page).read_text()


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    section = text(page).partition(f"\n## {heading}\n")[2]
    table = re.search(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert table is not None
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()
    ]


def names(cell: str) -> list[str]:
    """The names in a cell: words in backticks."""
    return re.findall(r"`([\w-]+)`", cell)


# -- public names


def target(path: str) -> object:
    """The object with a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_described(module: str) -> None:
    # A name of several modules is described once.
    described = {id(target(path)) for path in DESCRIBED}
    public = set(import_module(module).__all__) - {"conformance", "webhooks"}
    missing = {
        name
        for name in public
        if f"{module}.{name}" not in DESCRIBED
        and id(getattr(import_module(module), name)) not in described
    }
    assert missing == set()


def test_only_names_that_exist_are_described() -> None:
    for path in DESCRIBED:
        target(path)


def test_every_resource_is_described() -> None:
    client = ApiVideoClient(api_key="a-key")
    sections = {type(value) for name, value in vars(client).items() if not name.startswith("_")}
    assert sections <= {target(path) for path in DESCRIBED}


# -- operations and commands

METHODS = {
    left.strip("`"): set(names(right)) for left, right in rows("operations.md", "All operations")
}


def public(kind: type) -> set[str]:
    """The methods of a class."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name for name, _ in found if not name.startswith("_")}


def test_the_table_of_operations_names_every_section() -> None:
    client = ApiVideoClient(api_key="a-key")
    assert set(METHODS) - {""} == {name for name in vars(client) if not name.startswith("_")}
    assert METHODS[""] == public(ApiVideoClient) - {"aclose"}


@pytest.mark.parametrize("section", sorted(set(METHODS) - {""}))
def test_the_table_of_operations_names_every_method(section: str) -> None:
    assert METHODS[section] == public(type(getattr(ApiVideoClient(api_key="a-key"), section)))


def test_the_table_of_commands_names_every_command() -> None:
    named = {name for left, _ in rows("commands.md", "All commands") for name in names(left)}
    assert named == set(app.list_commands(click.Context(app)))


@pytest.mark.parametrize(
    ("left", "right"),
    [row for row in rows("commands.md", "All commands") if re.match(r"`[\w -]+`", row[1])],
    ids=str,
)
def test_the_table_of_commands_names_the_commands_of_groups(left: str, right: str) -> None:
    """Where a row names several groups, together they have no more and no less."""
    context = click.Context(app)
    groups = [app.get_command(context, name) for name in names(left)]
    there = {
        name
        for group in groups
        if isinstance(group, click.Group)
        for name in group.list_commands(context)
    }
    assert set(" ".join(re.findall(r"`([\w -]+)`", right)).split()) == there


def test_the_generated_reference_has_every_option_and_example() -> None:
    page = commands.markdown()
    for context, command in commands.commands():
        section = page.partition(f"{{ #{commands.anchor(context)} }}\n")[2].partition("\n##")[0]
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            assert record is None or record[0] in section, (context.command_path, record)
        for line in (command.epilog or "").replace("\b", "").split("\n"):
            assert line.strip() in section, (context.command_path, line)


# -- settings


def test_every_argument_of_the_client_is_listed() -> None:
    listed = {name for left, *_ in rows("settings.md", "Client") for name in names(left)}
    assert listed == set(inspect.signature(ApiVideoClient).parameters)


@pytest.mark.parametrize("path", settings.MARKER.findall(text("settings.md")))
def test_tables_of_options_have_every_field(path: str) -> None:
    table = [field for field, _, _ in settings.fields(path)]
    kind = target(path)
    assert isinstance(kind, type)
    assert table == [field.name for field in attrs.fields(kind)]


def test_every_class_of_options_is_listed() -> None:
    listed = {path.rpartition(".")[2] for path in settings.MARKER.findall(text("settings.md"))}
    public_names = {name for path in DESCRIBED for name in [path.rpartition(".")[2]]}
    classes = {name for name in public_names if name.endswith("Options")}
    assert listed == classes | {"RetryPolicy", "Timeouts", "UploadLimits"}


def test_every_environment_variable_of_the_package_is_listed() -> None:
    listed = {
        name for left, *_ in rows("settings.md", "Environment variables") for name in names(left)
    }
    read = {"_APIVIDEO_COMPLETE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}
    for source in PACKAGE.rglob("*.py"):
        code = source.read_text()
        read |= set(re.findall(r"\bAPIVIDEO_(?!COMPLETE)[A-Z_]*[A-Z]\b", code))
        read |= {
            name
            for line in re.findall(r"environ.*", code)
            for name in re.findall(r'"([A-Z_]{4,})"', line)
        }
    assert listed == read - {"PYTHONUNBUFFERED"}


# -- errors


def error_classes() -> set[str]:
    return {
        name
        for module in (errors, failures)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, errors.ApiVideoError)
    }


def test_every_error_is_listed() -> None:
    listed = [names(row[0])[0] for row in rows("errors.md", "All errors")]
    of_items = [names(row[0])[0] for row in rows("errors.md", "Errors of items")]
    assert sorted(listed + of_items) == sorted(error_classes())


def test_the_tree_of_errors_is_that_of_the_classes() -> None:
    drawn = set(re.findall(r"\b(\w+Error)\b(?= |\n)", text("errors.md").split("```")[1]))
    assert drawn - {"ValueError", "TimeoutError"} == {
        names(row[0])[0] for row in rows("errors.md", "All errors")
    }


@pytest.mark.parametrize("row", rows("errors.md", "All errors"), ids=lambda row: row[0])
def test_the_verdict_of_an_error_is_that_of_its_class(row: list[str]) -> None:
    name, _, retryable, delivery, _ = row
    kind = getattr(apivideo_async, names(name)[0], None) or failures.OutageError
    if retryable in ("yes", "no"):
        # These classes take the verdict as an argument, which is True by default.
        given = issubclass(kind, errors.ApiConnectionError | errors.ApiResponseError)
        assert (retryable == "yes") == (given or kind.retryable)
    if delivery in ("refused", "not_sent", "unknown"):
        assert delivery == kind.delivery


# -- log events


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may have as its value."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def keys(node: ast.Dict, function: ast.AST) -> Iterator[str]:
    """The keys of a dict, those of dicts in variables of the function included."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield str(key.value)
        elif isinstance(value, ast.Name):
            for assigned in ast.walk(function):
                if not (isinstance(assigned, ast.Assign) and isinstance(assigned.value, ast.Dict)):
                    continue
                if any(isinstance(to, ast.Name) and to.id == value.id for to in assigned.targets):
                    yield from keys(assigned.value, function)


def events_in(source: Path) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Event, logger, level and fields of each call that logs an event."""
    code = source.read_text()
    module = ".".join(source.relative_to(ROOT).with_suffix("").parts)
    functions = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for function in functions:
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            extra = next((word.value for word in call.keywords if word.arg == "extra"), None)
            if isinstance(extra, ast.Dict):
                logger = import_module(module).log.name.removeprefix("apivideo_async.")
                found = dict(zip(keys(extra, function), [*extra.values] * 2, strict=False))
                for event in constants(found["event"]):
                    yield event, logger, call.func.attr, frozenset(found) - {"event"}


def test_every_log_event_is_listed_with_its_logger_level_and_fields() -> None:
    logged: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for source in PACKAGE.rglob("*.py"):
        for event, logger, level, fields in events_in(source):
            known = logged.setdefault(event, (set(), set(), set()))
            for values, more in zip(known, ({logger}, {level}, fields), strict=True):
                values.update(more)
    listed = {
        names(event)[0]: (set(names(logger)), {level}, set(names(fields)))
        for event, logger, level, fields, _ in rows("log-events.md", "Events")
    }
    assert listed == logged


def test_every_logger_is_listed() -> None:
    used = {
        name
        for source in PACKAGE.rglob("*.py")
        for name in re.findall(r'getLogger\("(apivideo_async\.\w+)"\)', source.read_text())
    }
    listed = {left.strip("`") for left, _ in rows("log-events.md", "Loggers")}
    assert listed == used
