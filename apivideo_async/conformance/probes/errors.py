"""Questions about errors and deletions."""

from ...protocol.request import path_for
from ..observations import DELETED_TWICE, UndeterminedError
from ..service import Service

__all__ = ["error_type", "second_deletion"]

MISSING = "viConformanceDoesNotExist"


async def error_type(service: Service) -> None:
    """Read a video that does not exist. The answer is an error of the service."""
    answer = await service.get(path_for("/videos/{video_id}", video_id=MISSING))
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.ok:
        raise UndeterminedError("a video that does not exist was found")
    text = f"An error ({answer}) has the content type {kind or 'of no name'}."
    if kind == "application/problem+json":
        service.findings.differs("problem-json", text)
    else:
        service.findings.agrees("problem-json", text)


async def second_deletion(service: Service) -> None:
    """Delete a video twice."""
    video_id, _ = await service.create("deletion")
    first, second = await service.delete(video_id), await service.delete(video_id)
    if not first.ok:
        raise UndeterminedError(f"the first deletion was answered with {first}")
    text = f"A second deletion was answered with {second}."
    if second.status == 404:
        service.findings.agrees(DELETED_TWICE, text)
    else:
        service.findings.differs(DELETED_TWICE, text)
