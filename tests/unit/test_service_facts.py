"""docs/service.md: every citation leads to one section, and every fact names its source."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "docs" / "service.md"
FOLDERS = ("apivideo_async", "tests", "docs", "examples", "benchmarks")
SUFFIXES = {".py", ".pyi", ".md", ".sql", ".html"}

CITATION = re.compile(r"service\.md(?:#([\w-]*))?")
LINK_WITHIN = re.compile(r"\]\(#([^)]*)\)")
TAG = re.compile(
    r"\[((?:spec(?: \d{4})?|guide|client|inferred)"
    r"(?:, (?:spec(?: \d{4})?|guide|client|inferred))*)\]"
)
SECTION_NUMBER = re.compile(r"(?<!design\.md )(?<!design\.md\) )(?<!RFC \d{4} )§\d")
"""A numbered section of any document but docs/design.md and the RFCs."""


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections() -> list[tuple[str, str]]:
    """Return the anchor and the text of each section of docs/service.md below its title."""
    parts = re.split(r"^##+ (.*)\n", SERVICE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        (anchor_of(heading), text.strip())
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def files() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield ROOT / "CONTRIBUTING.md"
    for folder in FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES)


def where(path: Path, text: str, position: int) -> str:
    return f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}"


def facts(text: str) -> Iterator[str]:
    """Return what must name its source: each list item, and each table or paragraph on its own."""
    for block in re.split(r"\n\s*\n", text):
        yield from re.split(r"\n(?=- )", block) if block.startswith("- ") else [block]


def test_every_anchor_is_unique() -> None:
    repeated = [
        anchor for anchor, count in Counter(anchor for anchor, _ in sections()).items() if count > 1
    ]
    assert not repeated


def test_every_citation_leads_to_a_section() -> None:
    known = {anchor for anchor, _ in sections()}
    broken, cited = [], 0
    for path in files():
        text = path.read_text(encoding="utf-8")
        for pattern in (CITATION, LINK_WITHIN) if path == SERVICE else (CITATION,):
            for match in pattern.finditer(text):
                cited += match[1] is not None
                if match[1] is not None and match[1] not in known:
                    broken.append(f"{where(path, text, match.start())}: {match[0]}")
    assert not broken, "\n".join(broken)
    assert cited > 100, "the citations were not found"


def test_no_citation_names_a_section_of_a_document_that_readers_do_not_have() -> None:
    found = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        found += [where(path, text, match.start()) for match in SECTION_NUMBER.finditer(text)]
    assert not found, "\n".join(found)


def test_every_list_item_names_its_source() -> None:
    bare = [
        f"#{anchor}: {fact}"
        for anchor, text in sections()
        for fact in facts(text)
        if fact.startswith("- ")
        if not TAG.search(fact)
    ]
    assert not bare, "\n".join(bare)


def test_every_section_with_text_names_a_source() -> None:
    bare = [anchor for anchor, text in sections() if text and not TAG.search(text)]
    assert not bare
