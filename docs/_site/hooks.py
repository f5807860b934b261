"""Hooks of mkdocs: files outside ``docs``, the generated reference, and ``llms.txt``."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import commands
import docstrings
import repository
import settings
from mkdocs.structure.files import File

_COMMENT = re.compile(r"^ *<!-- *(?:test|check):.*?-->\n?", re.MULTILINE | re.DOTALL)
_LLMS = """# apivideo-async

> An async-first Python SDK for api.video: concurrent, resumable uploads in constant memory, all
> operations of the API, a command line, ingestion of many files, and a local emulator.
"""
_navigation: list[Any] = []


def on_files(files: Any, config: Any) -> Any:
    """Add the linked files of the repository."""
    for path in repository.linked_files():
        text = repository.content(path)
        files.append(File.generated(config, repository.site_path(path), content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Remove comments for tests, fill in the generated part, adapt links."""
    source = page.file.src_uri
    markdown = _COMMENT.sub("", markdown)
    if source == "reference/commands.md":
        markdown = markdown.replace("<!-- commands -->", commands.markdown())
    if source == "reference/settings.md":
        markdown = docstrings.to_markdown(settings.fill_in(markdown))
    return repository.for_site(markdown, repository.repository_path(source))


def on_nav(nav: Any, **_: Any) -> Any:
    """Keep the pages of the navigation in their order."""
    _navigation[:] = nav.pages
    return nav


def on_env(env: Any, config: Any, **_: Any) -> Any:
    """Write ``llms.txt``: a list of all pages, and the Markdown of each beside its HTML.

    Pages of the reference are generated from docstrings and have no Markdown.
    """
    site, lines, section = Path(config.site_dir), [_LLMS], None
    for page in _navigation:
        if page.ancestors and page.ancestors[-1] is not section:
            section = page.ancestors[-1]
            lines.append(f"\n## {section.title}\n")
        elif not page.ancestors and section is not None:
            section = None
            lines.append("")
        address = page.file.src_uri
        if re.search(r"^::: ", page.markdown, re.MULTILINE):
            address = page.url
        else:
            target = site / address
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page.markdown, encoding="utf-8")
        lines.append(f"- [{page.title}]({address}): {_first_sentence(page.markdown)}")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return env


def _first_sentence(markdown: str) -> str:
    """Return the first sentence of the first paragraph of a page."""
    paragraphs = (part.strip() for part in markdown.split("\n\n"))
    text = next((part for part in paragraphs if re.match(r"[A-Za-z[*]", part)), "")
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    return re.split(r"(?<=\.) ", text)[0]
