"""The listener's changing configuration, the leaf's renewal, and what channels are made of."""

import asyncio
import threading

import grpc
import pytest

from islandrun.errors import ConfigError, EnrolmentRefused, MalformedMessage, StateError
from islandrun.vocabulary import Instant
from islandrun.wire.limits import ADMITTERS_MAX
from islandrun_node import tls
from islandrun_node.certificates import LEAF_LIFE_MS, Shown, check_shown, owner_anchor, show_join
from islandrun_node.channels import grpc_target, local_channel, open_channel
from islandrun_node.stores.tokens import TOKENS_OPEN_MAX
from islandrun_node.tls import ROOTS_MAX, Listener, TlsIdentity
from tests.node.identity_kit import (
    Member,
    SmallMesh,
    exchange,
    exchange_on,
    listening,
    now_ms,
    opened,
)

START_MS = now_ms()


@pytest.fixture
def mesh(tmp_path):
    mesh = SmallMesh.found(tmp_path)
    yield mesh
    mesh.database.close()


@pytest.fixture
def clock(monkeypatch):
    """Move the wall clock of the listener by hand."""
    moment = [now_ms()]
    monkeypatch.setattr(tls.world_clock, "now", lambda: Instant(0.0, moment[0]))
    return moment


def identity_of(mesh: SmallMesh, member: Member) -> TlsIdentity:
    return TlsIdentity(member.key, member.admission.certificate_der, mesh.genesis)


def test_a_leaf_is_renewed_at_half_its_life(mesh: SmallMesh) -> None:
    identity = identity_of(mesh, mesh.admit())
    first = identity.shown(START_MS)
    assert identity.shown(START_MS + LEAF_LIFE_MS * 44 // 100) is first
    assert identity.shown(START_MS + LEAF_LIFE_MS * 56 // 100) is not first


def test_a_new_admission_is_shown_at_once(mesh: SmallMesh) -> None:
    member = mesh.admit()
    identity = identity_of(mesh, member)
    first = identity.shown(START_MS)
    identity.renew_admission(member.admission.certificate_der)
    assert identity.shown(START_MS) is first
    newer = mesh.admit(member.key, START_MS + 1000)
    identity.renew_admission(newer.admission.certificate_der)
    assert identity.shown(START_MS).chain_pem != first.chain_pem


async def test_whoever_holds_channels_hears_of_a_new_leaf(mesh: SmallMesh, clock, monkeypatch) -> None:
    monkeypatch.setattr(tls, "_WATCH_SECONDS", 0.01)
    identity, renewed = identity_of(mesh, mesh.admit()), asyncio.Event()
    watching = asyncio.create_task(identity.watch(renewed.set))
    await asyncio.sleep(0.05)
    assert not renewed.is_set()
    clock[0] += LEAF_LIFE_MS * 3 // 4
    await asyncio.wait_for(renewed.wait(), 2)
    watching.cancel()


def test_nothing_new_is_no_new_configuration(mesh: SmallMesh, clock) -> None:
    member = mesh.admit()
    listener = Listener(identity_of(mesh, member), mesh.genesis, mesh.tokens)
    assert listener.fetch() is not None
    assert listener.fetch() is None
    opened(mesh, member, "127.0.0.1:1", ttl_seconds=600)
    assert listener.fetch() is not None
    assert listener.fetch() is None
    clock[0] += 660_000
    assert listener.fetch() is not None, "the token's root goes when it expires"
    clock[0] += LEAF_LIFE_MS
    assert listener.fetch() is not None, "the leaf was renewed"
    assert listener.fetch() is None


def test_many_threads_may_ask(mesh: SmallMesh) -> None:
    listener = Listener(identity_of(mesh, mesh.admit()), mesh.genesis, mesh.tokens)
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(listener.fetch())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer is not None for answer in answers) == 1


def test_without_its_state_no_token_is_accepted_and_members_still_are(mesh: SmallMesh, monkeypatch) -> None:
    member = mesh.admit()
    opened(mesh, member, "127.0.0.1:1")
    listener = Listener(identity_of(mesh, member), mesh.genesis, mesh.tokens)
    assert len(listener._roots(now_ms())) > len(owner_anchor(mesh.owner.public))

    def fail(_: int):
        raise StateError("disk gone")

    monkeypatch.setattr(mesh.tokens, "open_tokens", fail)
    assert listener._roots(now_ms()) == owner_anchor(mesh.owner.public)


def test_a_configuration_that_would_not_load_never_reaches_the_listener(mesh: SmallMesh, caplog) -> None:
    member = mesh.admit()
    identity = identity_of(mesh, member)
    listener = Listener(identity, mesh.genesis, mesh.tokens)
    listener.fetch()
    other = mesh.admit().shown(mesh.mesh_id)
    identity._shown = Shown(other.key_pem, identity.shown(now_ms()).chain_pem, now_ms() + LEAF_LIFE_MS)
    assert listener.fetch() is None
    assert "keeps its old" in caplog.text
    with pytest.raises(MalformedMessage):
        Listener(identity, mesh.genesis, mesh.tokens).fetch()
    with pytest.raises(MalformedMessage):
        check_shown(other, owner_anchor(mesh.owner.public).replace(b"MII", b"AAA"))


def test_one_token_more_than_the_roots_allow_is_refused(mesh: SmallMesh) -> None:
    member = mesh.admit()
    for _ in range(TOKENS_OPEN_MAX):
        opened(mesh, member, "127.0.0.1:1")
    with pytest.raises(EnrolmentRefused, match="63 join tokens are open already"):
        opened(mesh, member, "127.0.0.1:1")
    roots = Listener(identity_of(mesh, member), mesh.genesis, mesh.tokens)._roots(now_ms())
    assert roots.count(b"BEGIN CERTIFICATE") == ROOTS_MAX - ADMITTERS_MAX


async def test_a_full_table_of_tokens_does_not_slow_the_door(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    for _ in range(TOKENS_OPEN_MAX):
        opened(mesh, host, "127.0.0.1:1")
    async with listening(mesh, host) as door, asyncio.timeout(5):
        for _ in range(5):
            shown = guest.shown(mesh.mesh_id)
            assert await exchange(door.address, host.key.public, shown, mesh.mesh_id) is grpc.StatusCode.OK


async def test_a_token_opens_the_door_and_its_end_closes_it(mesh: SmallMesh) -> None:
    """No token, no handshake: an outsider reaches no service at all."""
    host = mesh.admit()
    async with listening(mesh, host) as door:
        token = opened(mesh, host, door.address)
        holder = show_join(token.join_key(), mesh.mesh_id, now_ms())
        assert await exchange(door.address, host.key.public, holder, mesh.mesh_id) is (
            grpc.StatusCode.UNAUTHENTICATED  # in, but no island
        )
        with mesh.database.transaction() as cursor:
            cursor.execute("UPDATE tokens SET state = 'DONE'")
        assert await exchange(door.address, host.key.public, holder, mesh.mesh_id) is (
            grpc.StatusCode.UNAVAILABLE
        )


async def test_calls_go_on_while_leaves_rotate(mesh: SmallMesh) -> None:
    """Every connection gets a new leaf of the listener; none of the calls fails."""
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        steady = open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id)
        for _ in range(20):
            door.identity._shown = None
            codes = await asyncio.gather(
                exchange_on(steady),
                exchange(door.address, host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id),
            )
            assert codes == [grpc.StatusCode.OK] * 2
        await steady.close()


async def test_a_proxy_in_the_environment_is_not_used(mesh: SmallMesh, monkeypatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        code = await exchange(door.address, host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id)
    assert code is grpc.StatusCode.OK


async def test_the_first_address_that_answers_is_taken(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with (
        listening(mesh, host) as door,
        open_channel(
            ["127.0.0.1:1", door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id
        ) as channel,
    ):
        assert await exchange_on(channel) is grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("addresses", "target"),
    [
        (["192.0.2.1:1", "box.lan:2", "192.0.2.3:3"], "ipv4:192.0.2.1:1,192.0.2.3:3"),
        (["[2001:db8::1]:1", "box.lan:2"], "ipv6:[2001:db8::1]:1"),
        (["box.lan:2"], "dns:///box.lan:2"),
    ],
)
def test_names_to_dial(addresses: list[str], target: str) -> None:
    assert grpc_target(addresses) == target


@pytest.mark.parametrize(
    "address", ["192.0.2.1:8472", "example.org:1", "127.0.0.1.example.org:1", "0.0.0.0:1"]
)
def test_a_local_channel_stays_on_this_machine(address: str) -> None:
    with pytest.raises(ConfigError, match="not on this machine"):
        local_channel(address, "x")


async def test_a_local_channel_brings_its_token_with_every_call(tmp_path) -> None:
    seen: list[object] = []

    async def answer(request: bytes, context) -> bytes:
        seen.append(dict(context.invocation_metadata()).get("authorization"))
        return request

    async def stream(request: bytes, context):
        seen.append(dict(context.invocation_metadata()).get("authorization"))
        yield request

    server = grpc.aio.server()
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(answer),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    for address in (f"127.0.0.1:{port}", f"localhost:{port}", f"unix:{tmp_path}/s"):
        async with local_channel(address, "secret") as channel:
            assert await channel.unary_unary("/t/Unary")(b"a", timeout=5) == b"a"
            assert [piece async for piece in channel.unary_stream("/t/Stream")(b"b", timeout=5)] == [b"b"]
            assert "secret" not in repr(channel)
    await server.stop(0)
    assert seen == ["Bearer secret"] * 6
