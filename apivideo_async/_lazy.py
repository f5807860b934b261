"""Loads public names when they are first used, so that an import loads only what it needs.

The stub beside a module (``__init__.pyi`` beside ``__init__.py``) lists its public names as import
statements. Type checkers and editors read the stub, and so does this loader. Each name is therefore
written once::

    from . import webhooks as webhooks
    from .client import ApiVideoClient as ApiVideoClient
    from .models.video import *  # the names in ``models.video.__all__``
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["attach"]


def attach(module: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of the module with this name."""
    namespace = vars(sys.modules[module])

    @cache
    def stub() -> tuple[dict[str, str], list[str]]:
        path = namespace["__file__"].removesuffix(".py") + ".pyi"
        return _read_stub(namespace["__loader__"].get_data(path))

    def load(source: str) -> Any:
        return import_module(f".{source}", namespace["__spec__"].parent)

    def public_names() -> list[str]:
        sources, starred = stub()
        return sorted({*sources, *(name for source in starred for name in load(source).__all__)})

    def value_of(name: str) -> Any:
        sources, starred = stub()
        if name in sources:
            return getattr(load(sources[name]), name) if sources[name] else load(name)
        # Tools look for special names such as ``__wrapped__``. No module needs to be loaded then.
        for source in [] if name.startswith("__") else starred:
            if name in load(source).__all__:
                return getattr(load(source), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def get_attribute(name: str) -> Any:
        # Stored, so that the next access does not call this function.
        value = namespace[name] = public_names() if name == "__all__" else value_of(name)
        return value

    return get_attribute, lambda: sorted({*namespace, *public_names()})


def _read_stub(source: bytes) -> tuple[dict[str, str], list[str]]:
    """Return the module of each name ("" for a module itself), and the modules of ``import *``."""
    # Imported here, because it takes longer than all other imports of this module.
    import ast

    sources: dict[str, str] = {}
    starred: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            if node.names[0].name == "*":
                starred.append(node.module or "")
            else:
                sources.update((alias.name, node.module or "") for alias in node.names)
    return sources, starred
