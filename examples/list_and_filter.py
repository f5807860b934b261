"""List videos with filters: the newest, the first few, page by page, all of them.

A list method returns a paginator and sends no request yet. Each use of the paginator below sends
its own requests.

Install: ``pip install .`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/list_and_filter.py --tag trailer --metadata lang=fr

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence

from apivideo_async import UNSET, ApiVideoClient, ApiVideoError


async def show(
    tags: Sequence[str], metadata: Mapping[str, str], limit: int, page_size: int
) -> None:
    """Print the videos that have every given tag and every given metadata pair."""
    async with ApiVideoClient() as client:
        videos = client.videos.list(
            tags=tags or UNSET,
            metadata=metadata or UNSET,
            sort_by="createdAt",
            sort_order="desc",
            page_size=page_size,
        )

        newest = await videos.first()
        if newest is None:
            print("no video matches")
            return
        print(f"newest: {newest.title}")

        some = await videos.to_list(limit=limit)
        print(f"first {len(some)}: {', '.join(video.title or video.video_id for video in some)}")

        async for page in videos.pages():
            position = page.pagination
            print(f"page {position.current_page} of {position.pages_total}: {len(page)} videos")

        async for video in videos:  # The paginator fetches the next page while this one is used.
            labels = [*video.tags, *(f"{key}={value}" for key, value in video.metadata.items())]
            print(f"{video.video_id}  {video.title}  {' '.join(labels)}")


def pair(text: str) -> tuple[str, str]:
    """Parse ``key=value``."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    return key, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        description="List the videos that carry every tag and metadata pair given."
    )
    parser.add_argument("--tag", action="append", default=[], dest="tags")
    parser.add_argument("--metadata", action="append", default=[], type=pair, metavar="KEY=VALUE")
    parser.add_argument(
        "--limit", type=int, default=5, help="how many the short list shows (default: 5)"
    )
    parser.add_argument("--page-size", type=int, default=25, help="1 to 100 (default: 25)")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(show(given.tags, dict(given.metadata), given.limit, given.page_size))
    except ApiVideoError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
