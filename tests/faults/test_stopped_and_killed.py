"""Processes that stand still, die and come back: nobody is accused by a sleeper, and nobody stays dead."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import with_engine
from tests.faults.islands import Node, all_alive, dead_pairs, mesh_of, on_loopback, started, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def trio(tmp_path_factory: pytest.TempPathFactory):
    """A laptop, and two servers with the same model."""
    async with engine("the answer") as served:
        settings = ["", with_engine(served.url), with_engine(served.url)]
        mesh = mesh_of(tmp_path_factory.mktemp("trio"), on_loopback(3), settings=settings)
        nodes = await asyncio.to_thread(mesh.__enter__)  # the engine answers meanwhile
        yield nodes
        mesh.__exit__(None, None, None)


def stopped_for(nodes: list[Node], seconds: float) -> float:
    """Stop the last node and let it go on; return after how long the others route to it again."""
    sleeper, others = nodes[-1], nodes[:-1]
    sleeper.signal(signal.SIGSTOP)
    time.sleep(seconds)
    positions = {node.name: node.position() for node in nodes}
    are_lost = [node for node in others if node.sees(sleeper) != "alive"]
    sleeper.signal(signal.SIGCONT)
    took = until(
        lambda: all(node.sees(sleeper, positions[node.name]) == "alive" for node in are_lost),
        30,
        "the sleeper is routable again",
    )
    time.sleep(2.0)
    accused = [
        said for said in sleeper.says(positions[sleeper.name]) if said[1] in ("suspect", "unreachable")
    ]
    assert accused == [], "it accuses others of its own sleep"
    for node in others:
        assert node.sees(sleeper) == "alive"
        assert all(sleeper.id.startswith(island) for island, _ in node.says(positions[node.name]))
    print(f"\nSIGSTOP {seconds:g} s: routable again after {took:.2f} s; lost by {len(are_lost)} of 2")
    return took


@pytest.mark.long
@pytest.mark.timeout(800)
@pytest.mark.parametrize("seconds", [10, 60, 600])
def test_a_node_that_stood_still_accuses_nobody_and_is_routable_again(
    trio: list[Node], seconds: float
) -> None:
    assert stopped_for(trio, seconds) <= 10


@dataclass
class Asked:
    """Who answered a request, and after how long."""

    status: int
    island: str
    seconds: float


async def ask(node: Node) -> Asked:
    body = {"model": "large", "messages": [{"role": "user", "content": "why is the sky blue?"}]}
    headers = {"authorization": f"Bearer {node.token()}"}
    async with httpx2.AsyncClient(base_url=node.ready["http"], timeout=30, trust_env=False) as client:
        began = time.monotonic()
        response = await client.post("/v1/chat/completions", json=body, headers=headers)
        seconds = time.monotonic() - began
    return Asked(response.status_code, response.headers.get("x-islandrun-island", ""), seconds)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_request_does_not_wait_for_the_verdict_of_the_mesh(
    trio: list[Node], how: signal.Signals
) -> None:
    """Whoever was about to be asked is gone, or stands still: the other answers the same request."""
    laptop = trio[0]
    usual = [await ask(laptop) for _ in range(3)][-1]
    chosen = next(node for node in trio if node.name == usual.island)
    position = laptop.position()
    chosen.signal(how)
    first = await ask(laptop)
    knew = chosen.id.startswith(tuple(island for island, state in laptop.says(position) if state != "alive"))
    later = await ask(laptop)
    if how is signal.SIGSTOP:
        chosen.signal(signal.SIGCONT)
    else:
        chosen.kill()
        await asyncio.to_thread(started, [chosen])
    await asyncio.to_thread(until, lambda: laptop.sees(chosen, position) == "alive", 30, "it is back")
    print(
        f"\n{how.name}: usual {usual.seconds:.2f} s, the first after it {first.seconds:.2f} s "
        f"(was known: {knew}), the next {later.seconds:.2f} s"
    )
    for asked in (first, later):
        assert asked.status == 200
        assert asked.island not in ("", chosen.name)
    assert first.seconds < usual.seconds + 4.5, (
        "a sign of life is asked for before the time to accept is over"
    )


def test_all_come_back_after_a_power_cut(trio: list[Node]) -> None:
    took = restarted(trio)
    print(f"\n3 processes killed at once: all alive {took:.1f} s after the last was up")


def restarted(nodes: list[Node]) -> float:
    positions = {node.name: node.position() for node in nodes}
    for node in nodes:
        assert node.process is not None
        os.kill(node.process.pid, signal.SIGKILL)
    for node in nodes:
        node.kill()
    started(nodes)
    return until(lambda: all_alive(nodes, positions), 60, f"{dead_pairs(nodes, positions)}")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_twelve_come_back_after_a_power_cut(tmp_path: Path) -> None:
    with mesh_of(tmp_path, on_loopback(12)) as nodes:
        took = restarted(nodes)
        print(f"\n12 processes killed at once: all alive {took:.1f} s after the last was up")
        assert took <= 30
