"""What a wrong clock refused of the disk is read when the clock is mended, and when its own time comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Mesh
from islandrun.mesh.notices import ClockJudged
from islandrun.mesh.relays import RelayPolicy
from islandrun.mesh.rereading import Rereading
from islandrun.trust.signing import SKEW_MS, SignedAttestation
from islandrun.vocabulary import Instant, Standing
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.peers import Peers
from islandrun_node.statements import Doors, SelfDescription, attest
from islandrun_node.ways import Ways
from tests.node.identity_kit import Member, SmallMesh, now_ms

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DOORS = Doors(("127.0.0.1:1",))


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[SmallMesh]:
    small = SmallMesh.found(tmp_path)
    yield small
    small.database.close()


def spoken(mesh: SmallMesh, member: Member, at_ms: int) -> SignedAttestation:
    """Put what an island says of itself at that moment on the disk."""
    key = member.key
    island = SelfDescription(key.public, key.sign, "other", tuple, tuple, requests_max=1, jurisdictions=())
    signed = attest(island, mesh.genesis, mesh.store, DOORS, at_ms)
    mesh.store.save(signed)
    return signed


@dataclass
class Started:
    """A node whose clock is wrong by `skew_ms`; its steady seconds run from zero."""

    mesh: SmallMesh
    me: Member
    patch: pytest.MonkeyPatch
    skew_ms: int
    began_ms: int = field(default_factory=now_ms)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.patch.setattr(world_clock, "now", self.now)
        self.ledger = read_ledger(self.mesh.store, self.mesh.genesis, self.now().wall_ms)
        self.machine = Mesh(self.me.key.id, self.ledger, world_clock.dice(), self.now())
        peers = Peers(Ways(lambda *_: pytest.fail("dialled"), lambda _: None, RelayPolicy()), lambda _: None)
        self.driver = MeshDriver(
            self.me.key.id, self.machine, peers, self.mesh.store, lambda _: None, lambda *_: None
        )
        self.driver._send = lambda outbox: None  # type: ignore[method-assign] # nobody is there to hear it
        self.driver._read_store()

    def now(self) -> Instant:
        return Instant(self.seconds, self.began_ms + round(self.seconds * 1000) + self.skew_ms)

    def hears_of(self, member: Member) -> bool:
        return self.ledger.self_claims(member.key.id) is not None


@pytest.mark.parametrize("skew_ms", [-DAY_MS, 3 * DAY_MS], ids=["behind", "ahead"])
@pytest.mark.parametrize("is_judged", [True, False], ids=["judged by others", "set by nobody we know"])
async def test_a_mended_clock_reads_again_what_it_refused(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch, skew_ms: int, is_judged: bool
) -> None:
    me, other = mesh.admit(), mesh.admit()
    spoken(mesh, other, now_ms())
    node = Started(mesh, me, monkeypatch, skew_ms)
    assert not node.hears_of(other)
    if is_judged:
        node.driver._act_on(ClockJudged(ClockState.WRONG, -skew_ms))
    node.seconds += 60
    node.driver._read_store()
    assert not node.hears_of(other)
    node.skew_ms = 0
    if is_judged:
        node.driver._act_on(ClockJudged(ClockState.RIGHT, 0))
    node.driver._read_store()
    assert node.hears_of(other)
    assert node.ledger.standing(other.key.id, node.now().wall_ms) is Standing.ADMITTED


async def test_what_a_clock_that_went_wrong_let_end_counts_again(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, other = mesh.admit(), mesh.admit()
    spoken(mesh, other, now_ms())
    node = Started(mesh, me, monkeypatch, 0)
    assert node.hears_of(other)
    node.skew_ms, node.seconds = 3 * DAY_MS, 61.0
    node.machine.tick(node.now())
    node.driver._read_store()
    assert not node.hears_of(other)
    node.skew_ms, node.seconds = 0, 90.0
    node.driver._read_store()
    assert node.hears_of(other)


async def test_a_statement_from_the_future_is_read_when_its_time_comes(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, other = mesh.admit(), mesh.admit()
    spoken(mesh, other, now_ms() + HOUR_MS)
    node = Started(mesh, me, monkeypatch, 0)
    reads: list[float] = []
    plain = mesh.store.load_all
    monkeypatch.setattr(mesh.store, "load_all", lambda: (reads.append(node.seconds), plain())[1])
    heard_at = 0.0
    while not node.hears_of(other):
        node.seconds += 30
        assert node.seconds < 2 * HOUR_MS / 1000
        node.driver._read_store()
        heard_at = node.seconds
    assert 0 <= heard_at - (HOUR_MS - SKEW_MS) / 1000 <= 60
    assert len(reads) == 1, "until then nothing is read in vain"


async def test_a_statement_that_has_ended_does_not_come_back(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go round for as long as clocks may differ: each gives it back to the one that dropped it."""
    me, other = mesh.admit(), mesh.admit()
    said = spoken(mesh, other, now_ms())
    node = Started(mesh, me, monkeypatch, 0)
    node.seconds = (DAY_MS + 2 * MINUTE_MS) / 1000
    node.machine.tick(node.now())
    assert not node.hears_of(other)
    node.machine.publish(said, node.now())
    assert not node.hears_of(other)


def test_reading_is_due_at_the_start_and_when_the_wall_clock_was_set() -> None:
    rereading, wall_ms = Rereading(), now_ms()
    assert rereading.is_due(Instant(5.0, wall_ms))
    rereading.begin(Instant(5.0, wall_ms))
    assert not rereading.is_due(Instant(3605.0, wall_ms + HOUR_MS))
    assert not rereading.is_due(Instant(5.0, wall_ms + MINUTE_MS))
    assert rereading.is_due(Instant(5.0, wall_ms + 2 * MINUTE_MS))
    assert rereading.is_due(Instant(5.0, wall_ms - 2 * MINUTE_MS))
    rereading.mended()
    assert rereading.is_due(Instant(5.0, wall_ms))
