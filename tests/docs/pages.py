"""The documents of the project, and the blocks of code in them."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

BLOCK = re.compile(
    # A comment for the tests: an instruction for the next block, or a check of the last one.
    r"^[ ]*<!--[ ]*(?P<comment>test|check):(?P<text>.*?)-->"
    r"|^(?P<indent>[ ]*)(?P<fence>```+)(?P<language>\w*)[^\n]*\n"
    r"(?P<code>.*?)^(?P=indent)(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)


@frozen
class Block:
    """A block of code, or a check that readers do not see (``language`` is then "check")."""

    page: Path
    line: int
    language: str
    code: str
    instruction: str = ""
    """The text of the comment ``<!-- test: … -->`` before the block."""

    @property
    def place(self) -> str:
        """The page and the line of the block."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def code_pages() -> list[Path]:
    """Return all pages whose code is executed."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    instruction = ""
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["comment"] == "test":
            instruction = " ".join(match["text"].split())
            continue
        language = match["language"] or match["comment"] or ""
        code = textwrap.dedent(match["code"] or match["text"] or "")
        yield Block(page, line, language, code, instruction)
        instruction = ""
