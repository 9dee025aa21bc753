"""Gossip messages: each limit of the protocol, just inside and just outside."""

import pytest

from islandrun.errors import MalformedMessage
from islandrun.v1 import attestation_pb2, mesh_pb2
from islandrun.wire import limits
from islandrun.wire.gossip import DIGEST_BYTES, check_gossip

KEY = bytes(32)
SIGNED = attestation_pb2.SignedAttestation(kind="self", payload=b"x", issuer=KEY, signature=bytes(64))
Message = mesh_pb2.GossipMessage


def push(count: int, size_bytes: int = 1) -> Message:
    signed = attestation_pb2.SignedAttestation(payload=bytes(size_bytes))
    return Message(push=mesh_pb2.Push(attestations=[signed] * count))


def digest(log2: int, count: int, size_bytes: int = DIGEST_BYTES) -> Message:
    return Message(digest=mesh_pb2.Digest(buckets_log2=log2, bucket_hashes=[bytes(size_bytes)] * count))


def version(
    key: bytes = KEY, hash8: bytes = bytes(8), epoch: int = 0, sequence: int = 1
) -> mesh_pb2.RecordVersion:
    return mesh_pb2.RecordVersion(key=key, hash8=hash8, epoch=epoch, sequence=sequence)


def listing(log2: int, buckets: list[int], versions: list[mesh_pb2.RecordVersion]) -> Message:
    return Message(bucket_list=mesh_pb2.BucketList(buckets_log2=log2, buckets=buckets, versions=versions))


def want(*keys: bytes) -> Message:
    return Message(want=mesh_pb2.Want(keys=keys))


def proof(**fields: attestation_pb2.SignedAttestation) -> Message:
    return Message(equivocation=attestation_pb2.Equivocation(**fields))


def ack(load: mesh_pb2.Load | None = None, wall_ms: int = 1, incarnation: int = 1) -> Message:
    return Message(probe_ack=mesh_pb2.ProbeAck(nonce=1, wall_ms=wall_ms, incarnation=incarnation, load=load))


def have(count: int, **fields: object) -> Message:
    return Message(have=mesh_pb2.Have(versions=[version(**fields)] * count))


def probe_for(island: str) -> Message:
    return Message(probe_for=mesh_pb2.ProbeFor(nonce=1, island=island))


def probe_for_ack(outcome: int) -> Message:
    return Message(probe_for_ack=mesh_pb2.ProbeForAck(nonce=1, outcome=outcome))


def link(action: int) -> Message:
    return Message(link=mesh_pb2.Link(action=action))


def graft(*keys: bytes) -> Message:
    return Message(graft=mesh_pb2.Graft(keys=keys))


GOOD = [
    push(0),
    push(limits.RECORDS_PER_PUSH_MAX),
    push(25, 10_000),
    digest(0, 1),
    digest(limits.BUCKETS_LOG2_MAX, 1 << limits.BUCKETS_LOG2_MAX),
    listing(2, [0, 3], [version()]),
    listing(0, [], [version()] * limits.VERSIONS_PER_LIST_MAX),
    want(),
    want(*[KEY] * limits.KEYS_PER_WANT_MAX),
    Message(probe=mesh_pb2.Probe(nonce=(1 << 64) - 1, wall_ms=1)),
    ack(),
    ack(mesh_pb2.Load(running=limits.LOAD_MAX)),
    proof(first=SIGNED, second=SIGNED),
    probe_for("a" * 52),
    *(probe_for_ack(outcome) for outcome in (1, 2, 3)),
    *(link(action) for action in (1, 2, 3)),
    have(0),
    have(limits.VERSIONS_PER_HAVE_MAX, epoch=limits.EPOCH_MAX, sequence=limits.TIME_MS_MAX - 1),
    graft(*[KEY] * limits.VERSIONS_PER_HAVE_MAX),
    Message(prune=mesh_pb2.Prune()),
]
BAD = [
    Message(),
    push(limits.RECORDS_PER_PUSH_MAX + 1),
    push(27, 10_000),
    digest(0, 0),
    digest(1, 1),
    digest(1, 3),
    digest(1, 2, DIGEST_BYTES - 1),
    digest(limits.BUCKETS_LOG2_MAX + 1, 1 << (limits.BUCKETS_LOG2_MAX + 1)),
    digest((1 << 32) - 1, 1),
    listing(11, [], []),
    listing((1 << 32) - 1, [], []),
    listing(1, [2], []),
    listing(1, [0, 0, 0], []),
    listing(0, [], [version()] * (limits.VERSIONS_PER_LIST_MAX + 1)),
    listing(0, [], [version(key=KEY[1:])]),
    listing(0, [], [version(hash8=KEY)]),
    listing(0, [], [version(epoch=1 << 31)]),
    listing(0, [], [version(sequence=limits.TIME_MS_MAX)]),
    want(*[KEY] * (limits.KEYS_PER_WANT_MAX + 1)),
    want(KEY, KEY[1:]),
    Message(probe=mesh_pb2.Probe(wall_ms=-1)),
    ack(wall_ms=limits.TIME_MS_MAX),
    ack(incarnation=limits.TIME_MS_MAX),
    ack(mesh_pb2.Load(token_us=limits.LOAD_MAX + 1)),
    proof(),
    probe_for(""),
    probe_for("a" * 53),
    *(probe_for_ack(outcome) for outcome in (0, 4)),
    *(link(action) for action in (0, 4)),
    have(limits.VERSIONS_PER_HAVE_MAX + 1),
    have(1, key=KEY[1:]),
    have(1, hash8=KEY),
    have(1, epoch=1 << 31),
    have(1, sequence=limits.TIME_MS_MAX),
    graft(*[KEY] * (limits.VERSIONS_PER_HAVE_MAX + 1)),
    graft(KEY[1:]),
    proof(first=SIGNED),
    proof(first=SIGNED, second=attestation_pb2.SignedAttestation(kind="x", issuer=KEY, signature=bytes(64))),
]


@pytest.mark.parametrize("message", GOOD, ids=range(len(GOOD)))
def test_what_is_within_the_limits_passes(message: Message) -> None:
    check_gossip(message)


@pytest.mark.parametrize("message", BAD, ids=range(len(BAD)))
def test_what_is_outside_is_refused(message: Message) -> None:
    with pytest.raises(MalformedMessage):
        check_gossip(message)


def test_the_largest_lists_fit_into_a_message() -> None:
    """What a node may list by count must not be refused by size."""
    for message in (
        want(*[KEY] * limits.KEYS_PER_WANT_MAX),
        digest(limits.BUCKETS_LOG2_MAX, 1 << limits.BUCKETS_LOG2_MAX),
    ):
        assert message.ByteSize() <= limits.MESSAGE_BYTES_MAX
    full = [version(epoch=1, sequence=1_800_000_000_000)] * limits.VERSIONS_PER_LIST_MAX
    assert listing(10, list(range(1 << 10)), full).ByteSize() <= limits.MESSAGE_BYTES_MAX
