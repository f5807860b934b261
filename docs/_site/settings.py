"""Tables of the option classes, generated from their fields and the texts below them."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from textwrap import dedent

MARKER = re.compile(r"^<!-- settings: ([\w.]+) -->$", re.MULTILINE)


def fill_in(markdown: str) -> str:
    """Replace each marker ``<!-- settings: module.Class -->`` by a table."""
    return MARKER.sub(lambda marker: table(marker[1]), markdown)


def fields(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and description of each field of a class of attrs."""
    module, _, kind = name.rpartition(".")
    source = dedent(inspect.getsource(getattr(import_module(module), kind)))
    (definition,) = ast.parse(source).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = str(following.value.value)
        yield statement.target.id, _default(statement.value), " ".join(text.split())


def table(name: str) -> str:
    """Return the table of a class."""
    rows = [f"| `{field}` | `{default}` | {text} |" for field, default, text in fields(name)]
    return "\n".join(["| setting | default | means |", "|---|---|---|", *rows])


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call):
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        value = given.get("default", value)
    return "" if value is None else ast.unparse(value).replace("MIB", "2**20")
