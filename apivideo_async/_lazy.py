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

    def load(home: str) -> Any:
        return import_module(f".{home}", namespace["__spec__"].parent)

    def public_names() -> list[str]:
        homes, whole = stub()
        return sorted({*homes, *(name for home in whole for name in load(home).__all__)})

    def value_of(name: str) -> Any:
        homes, whole = stub()
        if name in homes:
            return getattr(load(homes[name]), name) if homes[name] else load(name)
        # Tools look for special names such as ``__wrapped__``. No module needs to be loaded then.
        for home in [] if name.startswith("__") else whole:
            if name in load(home).__all__:
                return getattr(load(home), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def get_attribute(name: str) -> Any:
        # Stored, so that the next access does not call this function.
        value = namespace[name] = public_names() if name == "__all__" else value_of(name)
        return value

    return get_attribute, lambda: sorted({*namespace, *public_names()})


def _read_stub(source: bytes) -> tuple[dict[str, str], list[str]]:
    """Return the module that defines each name, and the modules of which all names are public.

    The module is empty for a name that is itself a module of the package.
    """
    # Imported here, because it takes longer than all other imports of this module.
    import ast

    homes: dict[str, str] = {}
    whole: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            if node.names[0].name == "*":
                whole.append(node.module or "")
            else:
                homes.update((alias.name, node.module or "") for alias in node.names)
    return homes, whole
