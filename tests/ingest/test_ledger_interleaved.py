"""Workers execute steps in any order, with claims of any age: the guarantees of the ledger hold."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.errors import LeaseLostError, LedgerError
from apivideo_async.ingest.items import OPEN_STATES, Item, Record
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger

from .ingesting import ITEMS

OWNERS = st.sampled_from(["one", "two", "three"])
KEYS = st.sampled_from(["a", "b"])
LEASE = st.sampled_from([0.0, 60.0])
"""A lease that has ended as soon as it is given, or one that outlives the test."""
STEPS: dict[str, Callable[[Ledger, Record], Coroutine[Any, Any, Any]]] = {
    "creating": lambda ledger, claim: ledger.creating(claim, 10, "v1", "stream"),
    "uploading": lambda ledger, claim: ledger.uploading(claim),
    "verifying": lambda ledger, claim: ledger.verifying(claim),
    "done": lambda ledger, claim: ledger.done(claim),
    "fail": lambda ledger, claim: ledger.fail(claim, "cause", "message"),
    "quarantine": lambda ledger, claim: ledger.quarantine(claim, "message"),
    "later": lambda ledger, claim: ledger.later(claim, 0.0, "cause", "message"),
    "lost": lambda ledger, claim: ledger.lost(claim),
}


class Interleaving(RuleBasedStateMachine):
    """Any owner does anything at any moment, with any claim that it ever had."""

    claims = Bundle("claims")

    def __init__(self, opening: Callable[[], Coroutine[Any, Any, Ledger]]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.ledger = self.wait(opening())
        self.wait(self.ledger.add([Item(key=key, uri=f"/{key}") for key in "ab"]))
        self.ids: dict[str, str | None] = dict.fromkeys("ab")
        self.fences = dict.fromkeys("ab", 0)
        self.made = 0

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def seen(self, key: str) -> Record:
        return self.wait(self.ledger.record(key))

    def teardown(self) -> None:
        self.wait(self.ledger.aclose())
        self.runner.close()

    def claimed(self, records: list[Record]) -> Any:
        for record in records:
            assert record.fence > self.fences[record.item.key]
            self.fences[record.item.key] = record.fence
        return multiple(*records)

    @rule(target=claims, owner=OWNERS, key=KEYS, seconds=LEASE)
    def claim_one(self, owner: str, key: str, seconds: float) -> Any:
        before = self.seen(key)
        record = self.wait(self.ledger.claim_key(owner, key, seconds))
        if before.state not in OPEN_STATES:
            assert record is None
        if record is not None:
            lost = before.state == "creating" and before.video_id is None
            assert record.contested == (before.contested or lost)
        return self.claimed([record] if record is not None else [])

    @rule(target=claims, owner=OWNERS, count=st.integers(0, 2), seconds=LEASE)
    def claim_some(self, owner: str, count: int, seconds: float) -> Any:
        return self.claimed(self.wait(self.ledger.claim(owner, count, seconds)))

    @rule(owner=OWNERS)
    def expire(self, owner: str) -> None:
        self.wait(self.ledger.expire(owner))

    @rule(owner=OWNERS, seconds=LEASE)
    def renew(self, owner: str, seconds: float) -> None:
        for key, fence in self.wait(self.ledger.renew(owner, seconds, "ab")).items():
            assert fence == self.fences[key]

    @rule()
    def retry(self) -> None:
        for key in self.wait(self.ledger.retry(["failed", "quarantined"])):
            assert self.seen(key).state == ("new" if self.ids[key] is None else "created")

    @rule(claim=claims)
    def make_a_container(self, claim: Record) -> None:
        self.made += 1
        own = f"vi{self.made}"
        counts = self.wait(self.ledger.created(claim, own))
        assert counts == (self.ids[claim.key] or own)
        self.ids[claim.key] = counts

    @rule(claim=claims, name=st.sampled_from(sorted(STEPS)))
    def step(self, claim: Record, name: str) -> None:
        before = self.seen(claim.key)
        try:
            self.wait(STEPS[name](self.ledger, claim))
        except LeaseLostError:
            assert claim.fence < self.fences[claim.key]
            assert self.seen(claim.key) == before
        except LedgerError:
            assert claim.fence == self.fences[claim.key]
            assert self.seen(claim.key) == before
        else:
            if claim.fence < self.fences[claim.key]:
                assert name == "later"
                assert self.seen(claim.key) == before
            elif name == "lost":
                self.ids[claim.key] = None

    @rule(claim=consumes(claims))
    def die(self, claim: Record) -> None:
        """Nothing is done with this claim any more."""

    @invariant()
    def promises(self) -> None:
        for key, known in self.ids.items():
            record = self.seen(key)
            assert record.video_id == known
            assert record.fence == self.fences[key]
            assert (record.due is None) == (record.state not in OPEN_STATES)
            assert record.owner is None or record.due is not None
            if record.state in ("created", "uploading", "verifying", "done"):
                assert record.video_id is not None


@pytest.mark.hypothesis
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_interleaving_breaks_a_promise(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = request.getfixturevalue("postgres_dsn") if engine == "postgresql" else ""

    async def postgres() -> Ledger:
        database = PostgresDatabase(dsn, connections=1)
        await database.connect()
        await database.init()
        await database.run(f"TRUNCATE {ITEMS}", {})
        return Ledger(database)

    async def sqlite() -> Ledger:
        return await open_sqlite_ledger(Path(tempfile.mkdtemp(dir=tmp_path)) / "ledger.db")

    opening = postgres if engine == "postgresql" else sqlite
    run_state_machine_as_test(lambda: Interleaving(opening), settings=settings())
