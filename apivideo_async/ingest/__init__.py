"""Ingestion: uploads any number of files to api.video, each exactly once, on one or many machines.

All public names are names of this package, and ``__init__.pyi`` lists them. A module is loaded when
one of its names is first used, so that an application loads only the stores and listings that it
needs.
"""

from .._lazy import attach

__getattr__, __dir__ = attach(__name__)
