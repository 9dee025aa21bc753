"""The relay of a home as a process: it comes back, it goes with its node, it hears of revocations."""

import asyncio
import time
from pathlib import Path

import grpc
import psutil
import pytest

from islandrun.errors import ConfigError
from islandrun.v1 import relay_pb2, relay_pb2_grpc
from islandrun_node import enrolment
from islandrun_node.admissions import take_away
from islandrun_node.config_tables import Relay
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.relay.process import RelayProcess, relaying
from tests.node.identity_kit import SmallMesh, now_ms
from tests.node.relay_kit import opener

pytestmark = pytest.mark.slow
SERVING = Relay(serve=True, listen="127.0.0.1:0")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "relay")
    enrolment.found_mesh(found, "test mesh", "relay")
    return found


def child() -> psutil.Process:
    """Return the relay process of this one."""
    (found,) = [
        process
        for process in psutil.Process().children()
        if any("islandrun_node.relay" in word for word in process.cmdline())
    ]
    return found


async def test_a_relay_that_dies_is_started_again_at_its_port(home: Home) -> None:
    async with relaying(home, SERVING) as relay:
        assert relay is not None
        before, dead = relay.address, child()
        dead.kill()
        for is_up in (False, True):
            for _ in range(3000):
                if bool(relay.address) is is_up:
                    break
                await asyncio.sleep(0.01)
        assert relay.address == before
        assert child().pid != dead.pid
        taken = RelayProcess(home, Relay(serve=True, listen=before))
        with pytest.raises(ConfigError, match=r"relay\.listen"):
            await taken.start()
        last = child()
    assert dead_is_gone(last)


def dead_is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_without_serve_there_is_no_relay(home: Home) -> None:
    async with relaying(home, Relay()) as relay:
        assert relay is None


async def test_a_revocation_on_disk_ends_what_the_relay_carries(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = SmallMesh.of(home)
    member = mesh.admit()
    async with relaying(home, SERVING) as relay:
        assert relay is not None
        key = load_membership(home).key.public
        async with opener(mesh, member)((relay.address,), key) as channel:
            call = relay_pb2_grpc.RelayServiceStub(channel).Attach(relay_pb2.AttachRequest())
            await asyncio.wait_for(call.initial_metadata(), 10)
            assert not call.done()
            began = time.monotonic()
            take_away(mesh.owner, mesh.genesis, mesh.store, member.key.public, "lost", now_ms())
            assert await asyncio.wait_for(call.code(), 10) is grpc.StatusCode.PERMISSION_DENIED
            with capsys.disabled():
                print(f"\nthe relay cut a revoked island after {time.monotonic() - began:.2f} s")
    mesh.database.close()
