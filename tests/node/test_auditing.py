"""Receipts reach the log in groups, heads are witnessed, and an origin that lies about its past is caught."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from islandrun.audit.heads import read_cosignature
from islandrun.audit.witness import Breach, BrokenLog
from islandrun.errors import BadProof, MalformedMessage, Overloaded, StateError
from islandrun.v1 import audit_pb2
from islandrun_node.audit_files import check_store
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.stores.database import Database
from islandrun_node.stores.receipts import ReceiptStore, take_over
from islandrun_node.stores.schema import RECEIPTS
from islandrun_node.witnessing import CALLS_MAX
from tests.node.audit_kit import Mesh, fill, mesh, receipt
from tests.node.identity_kit import until


@pytest.fixture
def islands(tmp_path: Path) -> Mesh:
    made = mesh(tmp_path)
    yield made
    for witness in made.witnesses:
        witness.database.close()


async def test_what_was_taken_is_read_in_its_order_and_once(islands: Mesh) -> None:
    async with islands.origin() as (log, _, heads):
        fill(log, islands.key, 700)
        log.take(receipt(islands.key, 3))
        await log.settled()
        assert log.store.count() == log.store.size() == 700
        assert log.store.position("r-000699") == 699
        found = check_store(log.store, heads, (islands.key.public,))
        assert (found.entries, found.receipts, found.unsigned) == (700, 700, 700)


async def test_a_group_that_fails_is_written_when_the_disk_takes_it_again(
    islands: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("islandrun_node.receipt_log.RETRY_SECONDS", 0.01)
    async with islands.origin() as (log, _, _):
        append, failures = log.store.append, [StateError("the disk is full"), StateError("the disk is full")]

        def unwilling(group) -> None:
            if failures:
                raise failures.pop()
            append(group)

        log.store.append = unwilling  # type: ignore[method-assign]
        told = []
        log.when_written(lambda signed: told.append(signed))
        fill(log, islands.key, 3)
        await log.settled()
        assert log.degraded() == ("receipts wait for the disk: the disk is full",)
        await until(lambda: not log.degraded())
        assert log.store.count() == len(told) == 3


async def test_a_head_is_signed_when_the_log_grew_and_witnessed_by_three(islands: Mesh) -> None:
    async with islands.origin() as (log, auditor, heads):
        await auditor.round()
        assert heads.newest() is None
        for count in (5, 6):
            fill(log, islands.key, count, f"round{count}")
            await auditor.round()
            await auditor.round()
        newest = heads.newest()
        assert newest is not None
        assert newest.head.size == 11
        for wire in heads.cosignatures(11):
            read_cosignature(wire, newest)
        assert {one.key.public for one in islands.witnesses} == {
            wire.witness for wire in heads.cosignatures(11)
        }
        assert len(list(heads.all())) == 2
        found = check_store(log.store, heads, (islands.key.public,))
        assert (found.heads, found.cosignatures, found.unwitnessed) == (2, 6, 0)
    assert islands.refusals == []
    assert all(one.store.known(islands.key.public) == newest for one in islands.witnesses)


async def test_the_last_head_is_signed_at_the_end(islands: Mesh) -> None:
    async with islands.origin() as (log, _, _):
        fill(log, islands.key, 4)
    async with islands.origin() as (log, _, heads):
        newest = heads.newest()
        assert newest is not None
        assert (newest.head.size, newest.head.root) == (4, log.store.tree.root())


async def test_a_witness_that_forgot_or_is_behind_is_shown_from_where_it_stands(islands: Mesh) -> None:
    async with islands.origin() as (log, auditor, heads):
        fill(log, islands.key, 5)
        await auditor.round()
        newest = heads.newest()
        assert newest is not None
        heads.save(newest)  # which forgets who countersigned: the origin proves from 0
        fill(log, islands.key, 5, "more")
        await auditor.round()
        assert len(heads.cosignatures(10)) == 3


# ---------------------------------------------------------------- origins that lie


async def grown(islands: Mesh, file: str, count: int, word: str, **settings: int) -> tuple[str, ...]:
    async with islands.origin(file, **settings) as (log, auditor, _):
        fill(log, islands.key, count, word)
        await auditor.round()
        return auditor.degraded()


async def test_a_rewritten_log_of_one_size_is_evidence_at_every_witness(islands: Mesh) -> None:
    await grown(islands, "true.db", 8, "true")
    told = await grown(islands, "false.db", 8, "false")
    assert [type(one) for one in islands.refusals] == [BrokenLog] * 3
    for witness in islands.witnesses:
        (evidence,) = witness.store.evidence()
        assert evidence.breach is Breach.FORK
        assert witness.accused == [islands.key.id]
        assert witness.witnessing.degraded() == (
            f"island {islands.key.id[:8]} showed two different logs of one size",
        )
        witness.renew()
        assert witness.witnessing.degraded(), "evidence outlives a restart"
    assert told == ()


async def test_a_longer_log_with_another_past_is_not_countersigned(islands: Mesh) -> None:
    await grown(islands, "true.db", 8, "true")
    told = await grown(islands, "false.db", 12, "false")
    assert len(told) == 3
    assert "receipts that are not those in the log" in told[0]
    assert all(one.store.known(islands.key.public).head.size == 8 for one in islands.witnesses)


async def test_a_home_that_was_set_back_is_evidence_and_a_restored_one_says_so(islands: Mesh) -> None:
    await grown(islands, "receipts.db", 5, "early")
    shutil.copy(islands.folder / "receipts.db", islands.folder / "old.db")
    await grown(islands, "receipts.db", 5, "late")
    shutil.copy(islands.folder / "old.db", islands.folder / "restored.db")
    told = await grown(islands, "old.db", 1, "after")
    assert {type(one) for one in islands.refusals} == {BrokenLog}
    assert told == ()
    known = islands.witnesses[0].store.known(islands.key.public)
    restored_at_ms = known.head.issued_at_ms + 1
    assert await grown(islands, "restored.db", 1, "after", restored_at_ms=restored_at_ms) == ()
    for witness in islands.witnesses:
        assert witness.store.known(islands.key.public).head.size == 6
        assert witness.store.losses() == {islands.key.public: 4}


async def test_a_witness_takes_no_head_of_another_island_no_flood_and_no_junk(islands: Mesh) -> None:
    witness = islands.witnesses[0]
    async with islands.origin() as (log, auditor, _):
        fill(log, islands.key, 2)
        head = await auditor.sign()
    assert head is not None
    request = audit_pb2.WitnessRequest(head=head.wire)
    with pytest.raises(MalformedMessage, match="another island"):
        witness.witnessing.witness(islands.witnesses[1].key.id, request)
    for proof in ([b"short"], [bytes(32)] * 97):
        with pytest.raises(MalformedMessage):
            witness.witnessing.witness(islands.key.id, audit_pb2.WitnessRequest(head=head.wire, proof=proof))
    assert witness.witnessing.witness(islands.key.id, request).WhichOneof("body") == "cosignature"
    bad = audit_pb2.WitnessRequest(head=head.wire, from_size=2, proof=[bytes(32)])
    with pytest.raises(BadProof):
        witness.witnessing.witness(islands.key.id, bad)
    with pytest.raises(Overloaded):
        [witness.witnessing.witness(islands.key.id, request) for _ in range(CALLS_MAX)]


# ---------------------------------------------------------------- what is on the disk


async def test_receipts_are_trimmed_and_their_hashes_stay(
    islands: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("islandrun_node.stores.receipts.RECEIPTS_MAX", 20)
    async with islands.origin() as (log, auditor, heads):
        for word in ("a", "b", "c"):
            fill(log, islands.key, 15, word)
            await auditor.round()
        assert (log.store.count(), log.store.first_kept(), log.store.size()) == (20, 25, 45)
        found = check_store(log.store, heads, (islands.key.public,))
        assert (found.entries, found.receipts, found.heads) == (45, 20, 3)


async def test_receipts_of_an_older_version_move_into_the_log(islands: Mesh) -> None:
    async with islands.origin() as (log, _, _):
        fill(log, islands.key, 3)
        await log.settled()
        signed = log.store.get("r-000001")
    state = Database.open(islands.folder / "state.db")
    with state.transaction() as cursor:
        for number in range(1_200):
            row = (f"old-{number:04d}", number, signed.payload, signed.issuer, signed.signature)
            cursor.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", row)
    store = ReceiptStore(Database.open(islands.folder / "moved.db", RECEIPTS))
    for _ in range(2):
        take_over(state, store)
    assert (store.count(), store.position("old-0000"), store.position("old-1199")) == (1_200, 0, 1_199)
    assert state.read("SELECT count(*) FROM receipts") == [(0,)]
    state.close()
    store.database.close()


async def test_the_loop_goes_on_while_receipts_are_written(islands: Mesh) -> None:
    async with islands.origin() as (log, _, _):
        longest, last = 0.0, asyncio.get_running_loop().time()
        for number in range(2_000):
            log.take(receipt(islands.key, number))
            await asyncio.sleep(0)
            now = asyncio.get_running_loop().time()
            longest, last = max(longest, now - last), now
        await log.settled()
        print(f"longest pause {longest * 1000:.1f} ms")
        assert longest < 1.0
        assert isinstance(log, ReceiptLog)
        assert log.store.count() == 2_000
