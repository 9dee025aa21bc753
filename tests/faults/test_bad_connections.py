"""Two real nodes with a misbehaving TCP relay between them: no fault crashes one, and each is survived."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.islands import free_port, mesh_of, on_loopback, until
from tests.faults.tcp_faults import FAULTS, bad_relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("faults", [FAULTS[:1], pytest.param(FAULTS, marks=pytest.mark.long)], ids=len)
async def test_each_fault_of_a_connection_is_survived(tmp_path: Path, faults: tuple[str, ...]) -> None:
    laptop, office = on_loopback(2)
    door = f"127.77.0.9:{free_port('127.77.0.9')}"
    async with bad_relay(door, office) as relay:
        mesh = mesh_of(tmp_path, [laptop, office], settings=["", f'\n[listen]\nadvertise = ["{door}"]\n'])
        nodes = await asyncio.to_thread(mesh.__enter__)
        try:
            assert relay.carried_bytes, "the laptop reaches the office through the relay"
            for fault in faults:
                harmed = relay.harmed
                relay.misbehave(fault)
                await asyncio.to_thread(
                    until, lambda seen=harmed: relay.harmed > seen + 2, 20, f"{fault} acts"
                )
                relay.misbehave("")
                began, carried = time.monotonic(), relay.carried_bytes
                await asyncio.to_thread(
                    until,
                    lambda seen=carried: (
                        relay.carried_bytes > seen + 1000 and nodes[0].sees(nodes[1]) == "alive"
                    ),
                    35,
                    f"works again after {fault}",
                )
                print(f"\n{fault}: works again after {time.monotonic() - began:.1f} s", end="")
                for node in nodes:
                    assert node.process is not None
                    assert node.process.poll() is None, f"{fault} ended {node.name}"
                    assert "Traceback" not in node.log.read_text(), fault
        finally:
            await asyncio.to_thread(mesh.__exit__, None, None, None)
