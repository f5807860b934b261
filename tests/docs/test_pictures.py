"""The pictures of README and docs show the present program: `make pictures` draws them again."""

import importlib.util
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs/_site/pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["upload.svg", "help.svg"])
def test_a_terminal_shows_what_the_command_line_prints(pictures: ModuleType, name: str) -> None:
    """The texts are compared, because versions of rich differ in other details."""
    drawn, kept = (
        ["".join(each.itertext()) for each in ElementTree.fromstring(text).iter() if _is_text(each)]
        for text in (pictures.terminals()[name], (IMAGES / name).read_text("utf-8"))
    )
    assert drawn == kept, "make pictures"


def _is_text(element: ElementTree.Element) -> bool:
    return element.tag.rpartition("}")[2] == "text"


def test_pages_and_charts_were_drawn_from_the_present_sources(pictures: ModuleType) -> None:
    assert json.loads((IMAGES / "pictures.json").read_text()) == pictures.digests(), "make pictures"


def test_every_picture_is_there_and_shown_on_a_page() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("benchmarks/*.md")]
    shown = {Path(name).name for page in pages for name in _pictures_of(page.read_text())}
    kept = {
        path.name for folder in ("images", "charts") for path in (ROOT / "docs" / folder).iterdir()
    }
    assert kept - {"pictures.json"} == shown


def _pictures_of(text: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)\s]+\.(?:png|svg))\)", text)
