"""Messages of relayed pipes are read strictly, and a statement carries its relays."""

import pytest

from islandrun.errors import MalformedMessage
from islandrun.trust.claims import Header, SelfClaims, decode, encode
from islandrun.v1 import relay_pb2
from islandrun.vocabulary import PublicKey
from islandrun.wire import relay as wire
from islandrun.wire.limits import CHUNK_BYTES_MAX

KEY = PublicKey(bytes(range(32)))
ID = bytes(16)


def test_the_first_message_says_where_to_and_nothing_else() -> None:
    assert wire.dialled(relay_pb2.DialRequest(to=KEY)) == KEY
    assert wire.taken_up(relay_pb2.SpliceRequest(connection_id=ID)) == ID
    for message in (
        relay_pb2.DialRequest(),
        relay_pb2.DialRequest(to=KEY[1:]),
        relay_pb2.DialRequest(to=KEY, data=b"early"),
    ):
        with pytest.raises(MalformedMessage):
            wire.dialled(message)
    for splice in (
        relay_pb2.SpliceRequest(),
        relay_pb2.SpliceRequest(connection_id=ID + b"x"),
        relay_pb2.SpliceRequest(connection_id=ID, data=b"early"),
    ):
        with pytest.raises(MalformedMessage):
            wire.taken_up(splice)


def test_an_invitation_names_a_pipe_and_a_key() -> None:
    invitation = relay_pb2.AttachResponse(connection_id=ID, **{"from": KEY})
    assert wire.invited(invitation) == (ID, KEY)
    for changed in ({"connection_id": b""}, {"from": b"short"}):
        with pytest.raises(MalformedMessage):
            wire.invited(relay_pb2.AttachResponse(**{"connection_id": ID, "from": KEY, **changed}))


@pytest.mark.parametrize("kind", [relay_pb2.DialRequest, relay_pb2.SpliceResponse])
def test_a_chunk_has_its_limits(kind: type[relay_pb2.DialRequest]) -> None:
    assert len(wire.chunk(kind(data=bytes(CHUNK_BYTES_MAX)))) == CHUNK_BYTES_MAX
    for size in (0, CHUNK_BYTES_MAX + 1):
        with pytest.raises(MalformedMessage):
            wire.chunk(kind(data=bytes(size)))


def test_a_chunk_cannot_name_another_pipe() -> None:
    for message in (
        relay_pb2.DialRequest(to=KEY, data=b"x"),
        relay_pb2.SpliceRequest(connection_id=ID, data=b"x"),
    ):
        with pytest.raises(MalformedMessage):
            wire.chunk(message)


def test_a_self_statement_carries_its_relays() -> None:
    header = Header(bytes(32), KEY, KEY, 1, 1, 1, 2)
    claims = SelfClaims(header, "hidden", 1, relays=(KEY,), relay_endpoints=("10.0.0.1:8473",))
    assert decode("self", encode(claims)) == claims
