"""Every relative link of the documents leads to a file, and every anchor to a heading."""

import re

import pytest

from docs._site import commands, repository

from .pages import ROOT

PAGES = sorted(
    {"README.md", *repository.pages()}
    | {path for path in repository.linked_files() if path.endswith(".md")}
)


def slug(heading: str) -> str:
    """The anchor of a heading, by the rules of both the site and git hosts."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def anchors(path: str) -> set[str]:
    """The anchors of a page, those of its generated parts included."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path == "docs/reference/commands.md":
        text += commands.markdown()
    without_code = re.sub(r"^ *(```+).*?^ *\1 *$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} (.*?)(?: \{ #([\w-]+) \})?$", without_code, re.MULTILINE)
    named = re.findall(r"(?:id|name)=\"([\w-]+)\"", text)
    described = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    return {given or slug(title) for title, given in headings} | {*named, *described}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_exist(page: str) -> None:
    broken = []
    for target in repository.targets((ROOT / page).read_text(encoding="utf-8")):
        path, anchor = repository.resolve(page, target)
        exists = (ROOT / path).exists() and not path.startswith("..")
        if not exists or (anchor and path.endswith(".md") and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_links_of_the_site_lead_to_copies_of_files_outside_docs() -> None:
    """The site has its own copy of such files, below ``repository``."""
    text = (
        "[a](../../examples/upload_file.py) [b](#x) [c](../service.md#sources) [d](https://a.b/c)"
    )
    assert repository.for_site(text, "docs/guides/uploads.md") == (
        "[a](../repository/examples/upload_file.py.md) [b](#x) [c](../service.md#sources) [d](https://a.b/c)"
    )
    assert repository.for_site("[x](../docs/charts/a.svg#b)", "benchmarks/README.md") == (
        "[x](../../charts/a.svg#b)"
    )


def test_links_in_code_and_comments_are_left_alone() -> None:
    link = "[1](../../examples/a.py)"
    text = f"```python\nx = {link}\n```\n`{link}`\n<!-- check:\n{link}\n-->"
    assert repository.for_site(text, "docs/guides/uploads.md") == text
