"""Links from pages to files of the repository that are outside ``docs``.

Such links are relative, so that they work where the repository is displayed. The site contains a
copy of each linked file below ``repository/``: Markdown as a page, other text as highlighted code.
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALWAYS = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "examples/README.md",
)
"""Files that the navigation names."""
LANGUAGES = {".py": "python", ".html": "html", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
BINARY = {".svg", ".png", ".jpg", ".webp", ".ico"}

_LINK = re.compile(
    # Code and comments are matched first, so that links in them are left alone.
    r"^[ ]*(?P<fence>```+).*?^[ ]*(?P=fence)[ ]*$|<!--.*?-->|`[^`\n]+`"
    r"|(?P<before>\]\(|(?:src|href|srcset)=\")(?P<target>[^)\s\"]+)",
    re.MULTILINE | re.DOTALL,
)


def map_links(text: str, change: Callable[[str], str]) -> str:
    """Return Markdown with each target of a link or picture changed. Code stays as it is."""

    def one(match: "re.Match[str]") -> str:
        if match["target"] is None:
            return match[0]
        return match["before"] + change(match["target"])

    return _LINK.sub(one, text)


def targets(text: str) -> list[str]:
    """Return the targets of all relative links and pictures of a page."""
    found: list[str] = []

    def note(target: str) -> str:
        if not re.match(r"[a-z+]+:", target):
            found.append(target)
        return target

    map_links(text, note)
    return found


def resolve(page: str, target: str) -> tuple[str, str]:
    """Return the path in the repository that a link leads to, and its anchor."""
    path, _, anchor = target.partition("#")
    return posixpath.normpath(
        posixpath.join(posixpath.dirname(page), path)
    ) if path else page, anchor


def site_path(path: str) -> str:
    """Return the source path in the site of a file or folder of the repository."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"repository/{path}/files.md"
    return (
        f"repository/{path}" if Path(path).suffix in {".md", *BINARY} else f"repository/{path}.md"
    )


def repository_path(source: str) -> str:
    """Return the path in the repository of a Markdown file of the site."""
    return (
        source.removeprefix("repository/") if source.startswith("repository/") else f"docs/{source}"
    )


def pages() -> list[str]:
    """Return the paths of the pages in ``docs``."""
    found = (path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return sorted(path for path in found if not path.startswith("docs/_"))


def linked_files() -> Iterator[str]:
    """Yield the files and folders outside ``docs`` that the site needs, each once."""
    seen: set[str] = set()
    waiting = [*pages(), *ALWAYS]
    while waiting:
        path = waiting.pop()
        if path in seen or not (ROOT / path).exists():
            continue
        seen.add(path)
        if not path.startswith("docs/"):
            yield path
        if path.endswith(".md"):
            text = (ROOT / path).read_text(encoding="utf-8")
            waiting += [resolve(path, target)[0] for target in targets(text)]


def content(path: str) -> str | bytes:
    """Return the content of a file or folder for the site."""
    file = ROOT / path
    if file.is_dir():
        names = sorted(
            entry.name for entry in file.iterdir() if not entry.name.startswith(("_", "."))
        )
        return f"# {path}\n\n" + "".join(f"- `{name}`\n" for name in names)
    if file.suffix in BINARY:
        return file.read_bytes()
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    fence = "`" * (3 + text.count("```"))
    language = LANGUAGES.get(file.suffix, "docker" if file.name == "Dockerfile" else "text")
    return f"# {path}\n\n{fence} {language}\n{text}\n{fence}\n"


def for_site(text: str, page: str) -> str:
    """Return the Markdown of a page (a path in the repository) with links that fit the site."""
    folder = posixpath.dirname(site_path(page))

    def change(target: str) -> str:
        path, anchor = resolve(page, target)
        inside = path.startswith("docs/") and page.startswith("docs/")
        if re.match(r"[a-z+]+:", target) or target.startswith("#") or inside:
            return target
        relative = os.path.relpath(site_path(path), folder or ".").replace(os.sep, "/")
        return f"{relative}#{anchor}" if anchor else relative

    return map_links(text, change)
