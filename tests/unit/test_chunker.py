"""Streams to chunks: the last chunk is known to be the last.

See service.md#upload-modes (``part n/n``) and design.md §4 rule 4.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.uploads.sources.chunker import (
    SMALL_BLOCK,
    Block,
    Buffer,
    MemoryBuffer,
    StreamFeed,
)


class Producer:
    """Gives blocks, and tells how far it got."""

    def __init__(self, blocks: Sequence[Any]) -> None:
        self.given = 0
        self.closed = False
        self.stream = self._run(blocks)

    async def _run(self, blocks: Sequence[Any]) -> AsyncGenerator[Any, None]:
        try:
            for block in blocks:
                self.given += 1
                yield block
        finally:
            self.closed = True


def filled(*blocks: Block) -> MemoryBuffer:
    async def fill(piece: MemoryBuffer) -> MemoryBuffer:
        for block in blocks:
            await piece.append(memoryview(block))
        return piece

    return asyncio.run(fill(MemoryBuffer()))


async def cut(stream: AsyncGenerator[Block, None], chunk_size: int) -> AsyncGenerator[Buffer, None]:
    async with aclosing(StreamFeed("f", stream)) as feed:
        async with aclosing(feed.cut(chunk_size)) as pieces:
            async for piece in pieces:
                yield piece


async def contents(piece: Buffer, block: int = 1 << 20) -> bytes:
    return b"".join([bytes(held) async for held in piece.read(block)])


def pieces_of(blocks: Sequence[Block], chunk_size: int) -> list[tuple[bytes, int, bool]]:
    async def run() -> list[tuple[bytes, int, bool]]:
        producer = Producer(blocks)
        result = [
            (await contents(piece), piece.size, piece.last)
            async for piece in cut(producer.stream, chunk_size)
        ]
        assert producer.closed
        return result

    return asyncio.run(run())


kinds = st.sampled_from([bytes, bytearray, memoryview])
small_blocks = st.builds(lambda kind, data: kind(data), kinds, st.binary(max_size=40))
large_blocks = st.builds(
    lambda kind, byte, size: kind(bytes([byte]) * size),
    kinds,
    st.integers(0, 255),
    st.integers(SMALL_BLOCK - 1, SMALL_BLOCK + 1) | st.integers(0, 4 * SMALL_BLOCK),
)


def assert_cut(blocks: Sequence[Block], chunk_size: int) -> None:
    data = b"".join(map(bytes, blocks))
    cut_up = pieces_of(blocks, chunk_size)
    assert b"".join(content for content, _, _ in cut_up) == data
    assert [size for _, size, _ in cut_up] == [len(content) for content, _, _ in cut_up]
    assert [size for _, size, _ in cut_up[:-1]] == [chunk_size] * (len(cut_up) - 1)
    assert cut_up[-1][1] <= chunk_size
    assert [last for _, _, last in cut_up] == [False] * (len(cut_up) - 1) + [True]
    assert cut_up[-1][1] > 0 or data == b"", "only an empty stream has an empty piece"


@given(st.lists(small_blocks, max_size=20), st.integers(1, 60))
def test_pieces_are_the_stream_and_the_last_is_flagged_once(
    blocks: list[Block], chunk_size: int
) -> None:
    """All but the last have exactly the chunk size."""
    assert_cut(blocks, chunk_size)


@given(st.lists(large_blocks, max_size=6), st.integers(SMALL_BLOCK - 1, 5 * SMALL_BLOCK))
def test_large_blocks_are_cut_the_same_way(blocks: list[Block], chunk_size: int) -> None:
    """Blocks of 16 KiB and more are kept as they are, smaller ones are joined."""
    assert_cut(blocks, chunk_size)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([], [(b"", True)], id="empty stream"),
        pytest.param([b"", b""], [(b"", True)], id="empty blocks"),
        pytest.param([b"abc"], [(b"abc", True)], id="less than a chunk"),
        pytest.param([b"abcd"], [(b"abcd", True)], id="exactly one chunk"),
        pytest.param(
            [b"abcd", b""], [(b"abcd", True)], id="exactly one chunk, then an empty block"
        ),
        pytest.param(
            [b"abcdefgh"], [(b"abcd", False), (b"efgh", True)], id="exactly on a boundary"
        ),
        pytest.param([b"abcd", b"e"], [(b"abcd", False), (b"e", True)], id="one byte more"),
        pytest.param(
            [b"abcdefghi"],
            [(b"abcd", False), (b"efgh", False), (b"i", True)],
            id="one block, three chunks",
        ),
    ],
)
def test_the_last_piece_is_known_also_on_a_boundary(
    blocks: list[bytes], expected: list[tuple[bytes, bool]]
) -> None:
    assert [(content, last) for content, _, last in pieces_of(blocks, 4)] == expected


async def test_a_full_piece_is_held_back_until_one_more_byte_comes() -> None:
    """Only then is it known whether it is ``part 1/*`` or ``part 1/1``. No more is read ahead."""
    producer = Producer([b"ab", b"cd", b"", b"ef", b"gh", b"ij"])
    async with aclosing(cut(producer.stream, 4)) as pieces:
        first = await anext(pieces)
        assert (await contents(first), producer.given) == (b"abcd", 4)


async def test_a_cutter_that_is_closed_early_closes_its_stream() -> None:
    producer = Producer([b"ab"] * 10)
    async with aclosing(cut(producer.stream, 2)) as pieces:
        await anext(pieces)
    assert producer.closed


async def test_what_the_stream_raises_comes_through() -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"ab"
        raise OSError(5, "io")

    with pytest.raises(OSError, match="io"):
        [piece async for piece in cut(broken(), 2)]


@given(st.lists(large_blocks | small_blocks, max_size=6), st.integers(1, 3 * SMALL_BLOCK))
def test_a_piece_is_read_as_often_as_asked_in_blocks_of_the_size_asked(
    blocks: list[Block], block: int
) -> None:
    """Every attempt to send a chunk reads it anew."""
    piece = filled(*blocks)

    async def read() -> list[bytes]:
        return [bytes(view) async for view in piece.read(block)]

    first, second = asyncio.run(read()), asyncio.run(read())
    assert first == second
    assert b"".join(first) == b"".join(map(bytes, blocks))
    assert all(len(view) <= block for view in first)
    assert piece.size == sum(map(len, first))


@pytest.mark.parametrize(
    ("size", "count", "most"),
    [
        pytest.param(1, 100_000, 2, id="single bytes are joined to blocks of up to 64 KiB"),
        pytest.param(SMALL_BLOCK - 1, 40, 10, id="just below the limit: four each"),
        pytest.param(SMALL_BLOCK, 40, 40, id="from the limit on: kept without a copy"),
    ],
)
def test_small_blocks_are_joined(size: int, count: int, most: int) -> None:
    """A buffer of many tiny objects would cost more than their bytes."""
    assert SMALL_BLOCK == 16 * 1024
    piece = filled(*[bytes(size)] * count)
    assert piece.size == size * count
    assert len(piece._blocks) <= most


def test_small_blocks_are_copied_so_the_producer_may_reuse_its_buffer() -> None:
    buffer = bytearray(b"ab")
    piece = filled(buffer)
    buffer[:] = b"xy"
    assert asyncio.run(contents(piece)) == b"ab"


def test_the_bytes_are_not_shown() -> None:
    piece = filled(b"s3cret")
    assert repr(piece) == "MemoryBuffer(size=6, last=False)"
