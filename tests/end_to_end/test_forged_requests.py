"""Forged requests to every method of a real mesh listener: each is answered with a word, none with a fault.

The caller is an admitted island (and, for enrolment, the holder of an open token): what comes before is TLS.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from islandrun.v1 import chat_pb2, enroll_pb2, inference_pb2, mesh_pb2, status_pb2
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment, world_clock
from islandrun_node.certificates import Shown, show_join
from islandrun_node.channels import open_channel
from islandrun_node.identity import load_membership
from islandrun_node.join_token import parse
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up
from tests.end_to_end.test_revocation_everywhere import Door, Thief
from tests.properties.forged_messages import Forger

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
SERVICES = (mesh_pb2, enroll_pb2, inference_pb2, chat_pb2, status_pb2)
FAULTS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS}
CASES = 60
CASES_LONG = 3_000


def methods() -> list[Any]:
    """Return the descriptors of all methods that a mesh listener serves."""
    return [
        method
        for module in SERVICES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


@dataclass
class Attacked:
    """A running node, and an admitted island that means it no good."""

    door: Door
    thief: Thief
    holder: Shown

    def dial(self, method: Any) -> grpc.aio.Channel:
        is_enrolment = method.containing_service.name == "EnrollService"
        shown = self.holder if is_enrolment else self.thief.shown
        return open_channel([self.door.address], self.door.key, shown, self.thief.mesh_id)

    async def forge(self, method: Any, cases: int) -> Counter[grpc.StatusCode]:
        """Send forged requests to one method, a few at a time."""
        forger = Forger(method.full_name, known=[self.door.key, self.thief.mesh_id])
        ended: Counter[grpc.StatusCode] = Counter()
        path = f"/{method.containing_service.full_name}/{method.name}"
        kind = method.input_type._concrete_class
        async with self.dial(method) as channel:
            for _ in range(cases // 4):
                batch = [forger.data(kind) for _ in range(4)]
                codes = await asyncio.gather(*(_answer(channel, method, path, data) for data in batch))
                for data, code in zip(batch, codes, strict=True):
                    assert code not in FAULTS, f"{path}: {data.hex()}"
                    ended[code] += 1
        return ended


async def _answer(channel: grpc.aio.Channel, method: Any, path: str, data: bytes) -> grpc.StatusCode:
    """Return how a call ended; one that began to answer is good, and is left."""
    if not method.server_streaming:
        return await channel.unary_unary(path)(data, timeout=10).code()
    call = channel.unary_stream(path)(data, timeout=10)
    try:
        if await call.read() is not grpc.aio.EOF:
            return grpc.StatusCode.OK
        return await call.code()
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        call.cancel()


@asynccontextmanager
async def attacked(path: Path) -> AsyncIterator[Attacked]:
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        node = await up(laptop, settings("laptop"), stack)
        lost = await joined(path, "lost", laptop, EDGE, node.mesh_port)
        address = f"127.0.0.1:{node.mesh_port}"
        now_ms = world_clock.now().wall_ms
        token = parse(enrolment.invite(laptop, EDGE, 600, [address]), now_ms)
        thief = Thief.of(lost)
        holder = show_join(token.join_key(), thief.mesh_id, now_ms)
        await asyncio.sleep(0.3)  # the node looks for what commands wrote every 0.2 s
        yield Attacked(Door("laptop", address, load_membership(laptop).key.public), thief, holder)


async def forge_all(path: Path, cases: int) -> None:
    async with attacked(path) as target:
        for method in methods():
            ended = await target.forge(method, cases)
            words = {code.name.lower(): count for code, count in ended.items()}
            print(f"{method.full_name}: {words}")
        assert await target.thief.tell(target.door) is grpc.StatusCode.OK, "the node lives"


async def test_each_method_answers_forged_requests_with_a_word(tmp_path: Path) -> None:
    await forge_all(tmp_path, CASES)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_each_method_answers_thousands_of_forged_requests(tmp_path: Path) -> None:
    await forge_all(tmp_path, CASES_LONG)
