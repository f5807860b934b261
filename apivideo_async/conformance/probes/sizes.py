"""The question how large a request may be."""

from ...errors import ApiConnectionError
from ..layout import Layout
from ..observations import UndeterminedError
from ..service import Answer, Service

__all__ = ["largest_request"]


async def largest_request(service: Service) -> None:
    """Send a large chunk, and after each refusal one of half the size."""
    name, known = "largest-request", service.known
    if known.mode is None:
        raise UndeterminedError("the service accepts no chunks")
    size = service.options.largest
    if size <= known.chunk:
        text = f"no request above {known.chunk:,} bytes was to be tried"
        service.findings.not_probed(name, text)
        return
    video_id, _ = await service.create("large request")
    refusals = list[str]()
    while size > known.chunk:
        answer = await _send(service, video_id, size)
        if answer is not None and answer.accepted:
            break
        if answer is not None and not _is_about_size(answer):
            raise UndeterminedError(f"a chunk of {size:,} bytes was answered with {answer}")
        status = "a lost connection" if answer is None else str(answer)
        refusals.append(f"{size:,} bytes with {status}")
        size = max(known.chunk, size // 2)
    accepted = f"A request with {size:,} bytes was accepted"
    if refusals:
        text = f"{accepted}; refused were {', '.join(refusals)}."
        service.findings.differs(name, text, size, largest_chunk=size)
    else:
        service.findings.agrees(name, f"{accepted}; larger ones were not tried.")


async def _send(service: Service, video_id: str, size: int) -> Answer | None:
    """Send one chunk. None: the connection is lost each time, as some gateways refuse it."""
    assert service.known.mode is not None  # noqa: S101 (checked by the caller)
    layout = Layout(service.known.mode, size, 1)
    try:
        return await service.upload(video_id, layout.content_range(1), size)
    except (UndeterminedError, ApiConnectionError):
        return None


def _is_about_size(answer: Answer) -> bool:
    return answer.status == 413 or (answer.slug or "").endswith("too-large")
