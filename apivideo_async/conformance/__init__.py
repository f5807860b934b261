"""Checks which assumptions about the service are true, by sending requests to it.

``check(client)`` uses small videos that carry a tag, and deletes them. The command
``apivideo conformance`` does the same. ``__init__.pyi`` lists the public names.
"""

from .._lazy import attach

__getattr__, __dir__ = attach(__name__)
