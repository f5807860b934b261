"""Async-first Python SDK for api.video.

Every public name can be imported from this package. ``__init__.pyi`` lists them. A module is loaded
when one of its names is first used, so that importing the package is fast and loads no dependency.
"""

from ._lazy import attach

__getattr__, __dir__ = attach(__name__)
