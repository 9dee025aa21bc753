"""Every reader of foreign bytes against forged messages: it reads them or says MalformedMessage, no more.

Thousands by default, a million when asked: scripts/test -m long tests/properties/test_wire_forged.py
"""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from islandrun.errors import MalformedMessage, RejectedMessage
from islandrun.mesh import pace
from islandrun.mesh.machine import Envelope, Mesh
from islandrun.simulation.islands import Island, Owner, dice
from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import SignedAttestation
from islandrun.v1 import attestation_pb2, chat_pb2, inference_pb2, mesh_pb2, relay_pb2
from islandrun.vocabulary import Instant, Standing
from islandrun.wire import attestations, gossip, inference, limits, passages, relay
from tests.properties.forged_messages import Forger

WALL_MS = 1_800_000_000_000
CASES = 2_000
CASES_LONG = 45_000
Reader = Callable[[Any], object]


def cited(message: inference_pb2.Finished) -> object:
    return passages.citations_from_wire(message.citations)


def passages_found(message: inference_pb2.FindPassagesResponse) -> object:
    return passages.passages_from_wire(message, [bound.data_set for bound in message.bounds])


FROM_BYTES: dict[str, tuple[type[Any], Reader]] = {
    "signed": (attestation_pb2.SignedAttestation, attestations.decode_signed),
    "self": (attestation_pb2.SelfAttestation, attestations.decode_self),
    "admission": (attestation_pb2.Admission, attestations.decode_admission),
    "authority": (attestation_pb2.AuthorityStatement, attestations.decode_authority),
    "certification": (attestation_pb2.Certification, attestations.decode_certification),
    "vouch": (attestation_pb2.Vouch, attestations.decode_vouch),
}
FROM_MESSAGE: dict[str, tuple[type[Any], Reader]] = {
    "gossip": (mesh_pb2.GossipMessage, gossip.check_gossip),
    "prompt": (inference_pb2.Prompt, inference.prompt_from_wire),
    "sampling": (inference_pb2.Sampling, inference.sampling_from_wire),
    "chunk": (inference_pb2.Chunk, inference.piece_from_wire),
    "citations": (inference_pb2.Finished, cited),
    "passages": (inference_pb2.FindPassagesResponse, passages_found),
    "question": (inference_pb2.FindPassagesRequest, passages.check_question),
    "hints": (chat_pb2.Hints, inference.hints_from_wire),
    "dialled": (relay_pb2.DialRequest, relay.dialled),
    "taken up": (relay_pb2.SpliceRequest, relay.taken_up),
    "invited": (relay_pb2.AttachResponse, relay.invited),
    "dialled chunk": (relay_pb2.DialRequest, relay.chunk),
    "spliced chunk": (relay_pb2.SpliceResponse, relay.chunk),
    "statement": (attestation_pb2.SignedAttestation, SignedAttestation.from_wire),
}


def parsed(kind: type[Any], reader: Reader) -> Reader:
    def read(data: bytes) -> object:
        try:
            message = kind.FromString(data)
        except DecodeError as error:
            raise MalformedMessage("no message") from error
        return reader(message)

    return read


READERS = {
    **FROM_BYTES,
    **{name: (kind, parsed(kind, reader)) for name, (kind, reader) in FROM_MESSAGE.items()},
}


def forge(name: str, cases: int, seed: int) -> tuple[int, int]:
    """Give a reader this many forged messages; return how many it took and how many it refused."""
    kind, read = READERS[name]
    forger = Forger(f"{name} {seed}", known=[bytes(32), bytes(range(64))])
    taken = 0
    for case in range(cases):
        data = forger.data(kind)
        try:
            read(data)
            taken += 1
        except MalformedMessage:
            pass
        except BaseException as error:
            raise AssertionError(f"case {case} of seed {seed}: {data.hex()}") from error
    return taken, cases - taken


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_or_refuses(name: str) -> None:
    taken, refused = forge(name, CASES, 1)
    assert refused > CASES // 20, "the forger is too kind"
    assert taken or name in FROM_BYTES, "the forger never gets past the first check"


def test_every_reader_of_the_wire_is_forged() -> None:
    named = {passages.citations_from_wire, passages.passages_from_wire} | {
        reader for _, reader in (*FROM_BYTES.values(), *FROM_MESSAGE.values())
    }
    for module in (attestations, gossip, inference, passages, relay):
        for name, reader in vars(module).items():
            if name.startswith("decode_") or re.fullmatch("[a-z].*_from_wire", name):
                assert reader in named, name


# ---------------------------------------------------------------- the machine behind them


class Target:
    """One island's mesh with two admitted members, one of them hostile."""

    def __init__(self, seed: int) -> None:
        rng = dice(seed, "forged")
        self.owner = Owner("home", rng, WALL_MS)
        self.me, self.liar, self.friend = (
            Island(name, self.owner.genesis, rng) for name in ("me", "liar", "friend")
        )
        self.seconds = 1000.0
        self.mesh = Mesh(self.me.id, Ledger(self.owner.genesis), random.Random(seed), self.now)
        for island in (self.me, self.liar, self.friend):
            self.mesh.publish(self.owner.admit(island.pen.public, WALL_MS), self.now)
            self.mesh.publish(island.attest(WALL_MS), self.now)
        records = self.mesh._ledger.records()
        self.known = [
            self.me.pen.public,
            self.liar.pen.public,
            self.friend.pen.public,
            self.owner.genesis.owner,
        ]
        self.known += [part for signed in records for part in (signed.payload, signed.signature)]

    @property
    def now(self) -> Instant:
        return Instant(self.seconds, WALL_MS + round(self.seconds * 1000) - 1_000_000)

    def hear(self, message: mesh_pb2.GossipMessage) -> None:
        with suppress(RejectedMessage):
            self.mesh.receive(Envelope(self.liar.id, self.me.id, message), self.now)
        for envelope in self.mesh.take_outbox():
            gossip.check_gossip(envelope.message)
        self.mesh.take_notices()

    def check(self) -> None:
        """The hostile member changed nothing that only the owner may change, and filled nothing."""
        ledger = self.mesh._ledger
        for island in (self.me, self.friend):
            assert ledger.standing(island.id, self.now.wall_ms) is Standing.ADMITTED
        assert len(ledger.records()) <= 3 * limits.RECORDS_PER_ISSUER_MAX
        assert len(self.mesh._outbox) <= pace.OUTBOX_MAX


class Liar(Forger):
    """Forges gossip in which each second statement carries a true signature by the liar's own key."""

    def __init__(self, seed: int, target: Target) -> None:
        super().__init__(f"liar {seed}", target.known)
        self._target = target

    def gossip(self) -> mesh_pb2.GossipMessage:
        message = self.message(mesh_pb2.GossipMessage)
        if message.WhichOneof("body") == "push":
            for record in message.push.attestations:
                if self.dice.random() < 0.5:
                    self._sign(record)
        return message

    def _sign(self, record: attestation_pb2.SignedAttestation) -> None:
        kind = self.dice.choice(tuple(FROM_BYTES)[1:])
        payload = self.message(FROM_BYTES[kind][0])
        payload.header.mesh_id = self._target.owner.genesis.mesh_id
        payload.header.issuer = self._target.liar.pen.public
        if self.dice.random() < 0.7:
            payload.header.subject = self._target.liar.pen.public
            payload.header.issued_at_ms = payload.header.not_before_ms = self._target.now.wall_ms
            payload.header.not_after_ms = self._target.now.wall_ms + 3_600_000
        data = payload.SerializeToString()
        signed = b"islandrun/v1\0" + bytes([len(kind)]) + kind.encode()
        record.kind, record.payload, record.issuer = kind, data, self._target.liar.pen.public
        record.signature = self._target.liar.pen.sign(signed + len(data).to_bytes(4, "big") + data)


def lie(seed: int, cases: int) -> float:
    """Tell one island this many forged messages; return how many MiB more it holds than after a tenth."""
    target = Target(seed)
    liar = Liar(seed, target)
    tracemalloc.start()
    early = 0
    for case in range(cases):
        target.hear(liar.gossip())
        target.seconds += 0.01
        if case % 50 == 0:
            target.mesh.tick(target.now)
            target.check()
        if case == cases // 10:
            early = tracemalloc.get_traced_memory()[0]
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    target.check()
    return (late - early) / (1 << 20)


def test_a_hostile_member_changes_nothing_by_forged_gossip() -> None:
    assert lie(1, 1_500) < 16


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_million_forged_messages() -> None:
    began = time.monotonic()
    total = 0
    for name in READERS:
        total += sum(forge(name, CASES_LONG, 2))
    grown = lie(2, 1_000_000 - total)
    print(f"\n1,000,000 forged messages in {time.monotonic() - began:.0f} s, machine grew by {grown:.1f} MiB")
    assert grown < 64
