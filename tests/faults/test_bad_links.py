"""Real nodes on bad links: pulled cables, one-way routes, lost, late, repeated and reordered packets.

Each node runs in a network namespace of its own; the default tests look at the emulator itself.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.islands import Node, all_alive, dead_pairs, mesh_of, until
from tests.faults.link_emulator import Quality, Way
from tests.faults.namespaces import Machine, bad_link, machines, wired

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SERVER = """
import socket, sys
listening = socket.create_server((sys.argv[1], 5000))
print("listening", flush=True)
peer, _ = listening.accept()
while data := peer.recv(65536):
    peer.sendall(data)
"""
CLIENT = """
import hashlib, random, socket, sys, threading
content = random.Random(1).randbytes(200_000)
peer = socket.create_connection((sys.argv[1], 5000), timeout=60)
threading.Thread(target=lambda: (peer.sendall(content), peer.shutdown(socket.SHUT_WR))).start()
back = b""
while data := peer.recv(65536):
    back += data
print("same" if back == content else "different")
"""


# ---------------------------------------------------------------- the emulator itself


def test_a_way_loses_repeats_delays_and_slows_as_it_says() -> None:
    quality = Quality(loss=0.1, duplicate=0.05, reorder=0.02, delay_ms=20, jitter_ms=5)
    way = Way(random.Random(3), is_back=False)
    came: list[bytes] = []
    for number in range(5000):
        way.send(number.to_bytes(2, "big"), quality, number / 1000)
        came += way.arrived(number / 1000)
        assert number > 14 or len(came) < 4, "nothing but what overtakes comes before its time"
    came += way.arrived(1e9)
    assert 0.08 < way.counts["lost"] / 5000 < 0.12
    assert 0.03 < way.counts["twice"] / 5000 < 0.07
    assert len(came) > 4400
    assert came != sorted(came)
    slow = Way(random.Random(3), is_back=True)
    for _ in range(100):
        slow.send(bytes(1000), Quality(rate_kbit=800), 0.0)
    assert len(slow.arrived(0.501)) == 50
    slow.arrived(1e9)
    slow.send(b"x", Quality(is_one_way=True), 0.0)
    assert not slow.arrived(1e9)


def test_tcp_carries_everything_over_a_bad_link() -> None:
    with (
        machines(2) as (one, other),
        bad_link(one, other, loss=0.05, duplicate=0.05, reorder=0.1, delay_ms=5, jitter_ms=3) as link,
    ):
        server = subprocess.Popen(
            [*other.prefix, sys.executable, "-c", SERVER, other.host], stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        assert server.stdout.readline() == b"listening\n"
        done = subprocess.run(
            [*one.prefix, sys.executable, "-c", CLIENT, other.host],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        server.wait(10)
        server.stdout.close()
        ways = link.end()
    assert done.stdout == "same\n", done.stderr
    assert all(way["lost"] and way["twice"] and way["reordered"] for way in ways)


# ---------------------------------------------------------------- meshes on it


def heals(nodes: list[Node], began: float, seconds_max: float) -> float:
    until(lambda: not lost_pairs(nodes), seconds_max, f"healed: {lost_pairs(nodes)}")
    return time.monotonic() - began


def lost_pairs(nodes: list[Node]) -> list[str]:
    return dead_pairs(nodes)


def mesh_on(folder: Path, places: list[Machine]):
    return mesh_of(folder, [place.address for place in places], [place.prefix for place in places])


@pytest.mark.long
@pytest.mark.parametrize("cut_seconds", [40, 120])
def test_a_pulled_cable_is_noticed_and_heals(tmp_path: Path, cut_seconds: float) -> None:
    with wired(3) as places, mesh_on(tmp_path, places) as nodes:
        places[2].cable("down")
        noticed = until(lambda: nodes[0].sees(nodes[2]) == "unreachable", 60, "the loss is noticed")
        time.sleep(max(0.0, cut_seconds - noticed))
        assert nodes[0].sees(nodes[1]) == "alive"
        places[2].cable("up")
        took = heals(nodes, time.monotonic(), 60)
        print(f"\ngiven up after {noticed:.1f} s; {cut_seconds:g} s without a cable: healed in {took:.1f} s")
        assert took <= 35


@pytest.mark.long
def test_a_one_way_route_does_not_flap_and_heals(tmp_path: Path) -> None:
    with wired(3) as places, mesh_on(tmp_path, places) as nodes:
        positions = [node.position() for node in nodes]
        places[0].refuse(places[1])
        time.sleep(60)
        changes = [len(node.says(position)) for node, position in zip(nodes, positions, strict=True)]
        assert nodes[2].sees(nodes[0]) == nodes[2].sees(nodes[1]) == "alive"
        places[0].send_again(places[1])
        took = heals(nodes, time.monotonic(), 60)
        print(f"\none-way for 60 s: changes of mind {changes}; healed in {took:.1f} s")
        assert max(changes) <= 6, "it flaps"
        assert took <= 35


@pytest.mark.long
@pytest.mark.parametrize("loss", [0.05, 0.10])
def test_a_lossy_link_excludes_no_healthy_island(tmp_path: Path, loss: float) -> None:
    with (
        machines(2) as places,
        bad_link(*places, delay_ms=10, jitter_ms=5, reorder=0.02, duplicate=0.01) as link,
    ):
        with mesh_on(tmp_path, places) as nodes:
            positions = [node.position() for node in nodes]
            link.become(loss=loss, delay_ms=10, jitter_ms=5, reorder=0.02, duplicate=0.01)
            time.sleep(90)
            verdicts = [node.says(position) for node, position in zip(nodes, positions, strict=True)]
            assert all_alive(nodes)
        counts = link.end()
    print(f"\n{loss:.0%} loss for 90 s: verdicts {verdicts}, packets {counts}")
    assert not any(state == "unreachable" for said in verdicts for _, state in said)
