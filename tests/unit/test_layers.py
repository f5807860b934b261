"""The layers of docs/design.md §2 hold: the table there is what is tested."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "apivideo_async"
DESIGN = ROOT / "docs" / "design.md"

MODULES = sorted(PACKAGE.rglob("*.py"))
STUBS = sorted(PACKAGE.rglob("*.pyi"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
CLOCKS = {"time", "asyncio", "threading", "socket", "io", "pathlib", "tempfile", "select"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager"}


@frozen
class Row:
    level: str
    module: str
    inside: frozenset[str]
    outside: frozenset[str]


@frozen
class Import:
    line: int
    target: str
    """Dotted, without the package's own name for inside imports."""
    inside: bool


def table() -> list[Row]:
    rows = []
    for line in DESIGN.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 5 and cells[1].startswith("`"):
            names = [frozenset(re.findall(r"`([\w.]+)`", cell)) for cell in (cells[3], cells[4])]
            rows.append(Row(cells[0], cells[1].strip("`"), names[0], names[1]))
    return rows


ROWS = table()


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def row_of(module: str) -> Row | None:
    fitting = [row for row in ROWS if module == row.module or module.startswith(row.module + ".")]
    return max(fitting, key=lambda row: len(row.module), default=None)


def imports(path: Path) -> Iterator[Import]:
    """Every import statement, also inside functions and under TYPE_CHECKING."""
    package = dotted(path).split(".") if path.stem == "__init__" else dotted(path).split(".")[:-1]
    package = [part for part in package if part not in ("", "__init__")]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield outer(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield outer(node.lineno, node.module or "")
                continue
            base = package[: len(package) - node.level + 1] + (
                node.module.split(".") if node.module else []
            )
            for alias in node.names:
                full = ".".join([*base, alias.name])
                yield Import(node.lineno, full if exists(full) else ".".join(base), inside=True)


def outer(line: int, name: str) -> Import:
    own = name == "apivideo_async" or name.startswith("apivideo_async.")
    return Import(
        line, name.removeprefix("apivideo_async").removeprefix(".") if own else name, inside=own
    )


def exists(module: str) -> bool:
    place = PACKAGE.joinpath(*module.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def allowed(target: str, names: frozenset[str]) -> bool:
    return any(target == name or target.startswith(name + ".") for name in names)


PLACED = [path for path in MODULES if dotted(path) not in ("__init__", "")]
PLACED_STUBS = [path for path in STUBS if dotted(path) not in ("__init__", "")]


@pytest.mark.parametrize("path", [*PLACED, *PLACED_STUBS], ids=dotted)
def test_a_module_imports_only_what_the_table_allows(path: Path) -> None:
    module = dotted(path)
    row = row_of(module)
    if row is None and path.name == "__init__.py":
        assert not list(imports(path)), "a package between the layers imports nothing"
        return
    assert row is not None, f"{module} has no place in the table of docs/design.md"
    for found in imports(path):
        where = f"{module}:{found.line} imports {found.target}"
        if found.inside:
            assert allowed(found.target, row.inside), f"{where}, which level {row.level} may not"
        else:
            top = found.target.split(".")[0]
            assert top in sys.stdlib_module_names or top in row.outside, f"{where} from outside"


def test_the_table_allows_only_imports_from_above() -> None:
    above: list[str] = []
    for row in ROWS:
        above.append(row.module)
        packages = {
            name
            for name in row.inside
            if not any(place == name or place.startswith(f"{name}.") for place in above)
        }
        assert packages == set(), f"{row.module} may import {packages}, which stand below it"


def test_there_is_no_cycle() -> None:
    names = {dotted(path) for path in PLACED}
    graph = {
        dotted(path): {
            found.target for found in imports(path) if found.inside and found.target in names
        }
        - {dotted(path)}
        for path in PLACED
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join([*trail, module])
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def pure() -> list[Path]:
    rows = {path: row_of(dotted(path)) for path in PLACED}
    return [path for path, row in rows.items() if row is not None and row.level in ("0", "1", "2")]


@pytest.mark.parametrize("path", pure(), ids=dotted)
def test_levels_0_to_2_are_pure(path: Path) -> None:
    permitted = {"pathlib"} if dotted(path) == "config" else set()  # An option may be a path.
    for found in imports(path):
        assert found.target.split(".")[0] not in CLOCKS - permitted, (
            f"line {found.line}: {found.target}"
        )
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), (
            f"line {node.lineno}: async code"
        )
        if isinstance(node, ast.Call):
            name = (
                node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            )
            assert name not in ("open", "now", "utcnow", "monotonic"), (
                f"line {node.lineno}: {name}()"
            )


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert path.stem not in FORBIDDEN_NAMES
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_every_row_of_the_table_is_a_module() -> None:
    assert ROWS
    assert [row.module for row in ROWS if not exists(row.module)] == []
