"""Types that occur in public signatures, for annotations in user code.

::

    from apivideo_async.types import OnProgress, SourceLike

    async def publish(source: SourceLike, on_progress: OnProgress | None = None) -> None: ...

``types.pyi`` lists them. Classes that user code creates or catches are in ``apivideo_async``.
"""

from ._lazy import attach

__getattr__, __dir__ = attach(__name__)
