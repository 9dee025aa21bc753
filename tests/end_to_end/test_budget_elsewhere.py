"""Money that others spend through an island's key, and money that was set aside when a node was killed."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.home import Home
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
CLOUD = Grant(Tier.CLOUD, "cloud", Ppm(400_000))


def tables(served: Engine, budget: str) -> str:
    return (
        "\n[policy.tier_trust]\ncloud = 0.4\n"
        + budget
        + f'[[outbound]]\nname = "cloud"\nurl = "{served.url}"\n'
        '[[outbound.models]]\nname = "large"\nquality = 0.9\ninput_price_usd = 1.0\noutput_price_usd = 40.0\n'
    )


async def ask(address: str, token: str, *, is_stream: bool = False) -> httpx2.Response:
    body = {
        "model": "large", "max_tokens": 60, "stream": is_stream,
        "messages": [{"role": "user", "content": "what is a fern?"}],
    }  # fmt: skip
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        headers = {"authorization": f"Bearer {token}"}
        return await client.post(f"{address}/v1/chat/completions", json=body, headers=headers)


async def accounts(home: Home) -> dict[tuple[str, str], dict]:
    command = (sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), "budget")
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    assert child.returncode == 0
    return {(one["span"], one["key"].rpartition(" ")[2]): one for one in json.loads(out)["accounts"]}


async def test_what_another_island_spends_through_a_key_is_limited_where_it_is_paid(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop", policy={"tier_trust": {"cloud": 0.4}}), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        token = enrolment.invite(laptop, CLOUD, 60, [f"127.0.0.1:{node.mesh_port}"])
        await enrolment.admit_outbound(office, "cloud", token, CLOUD)
        cloud = await stack.enter_async_context(engine("the cloud says so"))
        await stack.enter_async_context(process(office, tables(cloud, "[budget]\nclient_day_usd = 0.01\n")))
        answers = []
        for _ in range(150):
            answer = await ask(node.http, node.token)
            if answer.status_code == 200:
                answers.append(answer)
            elif answers:
                break
            await asyncio.sleep(0 if answers else 0.1)
        assert 2 <= len(answers) <= 10
        assert len(cloud.received) == len(answers), "what cannot be paid does not leave"
        assert answer.status_code in (429, 503), answer.text
        assert "used up" in answer.text
        spent = (await accounts(office))["client_day", laptop_id(laptop)]
        costs = [float(one.headers["x-islandrun-cost"]) for one in answers]
        assert spent["spent_usd"] == pytest.approx(sum(costs), abs=1e-9), "both ends count the same"
        assert 0 < spent["spent_usd"] <= 0.01
        assert spent["reserved_usd"] == 0


def laptop_id(home: Home) -> str:
    from islandrun_node.identity import load_membership

    return load_membership(home).key.id


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_what_ran_when_a_node_was_killed_stays_spent_at_its_worst(tmp_path: Path) -> None:
    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with engine("the cloud says so") as cloud:
        async with process(home, tables(cloud, "[budget]\nday_usd = 0.005\n")) as node:
            cloud.hold = "after"
            running = json.loads(home.running.read_bytes())
            asked = asyncio.create_task(ask(running["http"], home.token.read_text().strip(), is_stream=True))
            await asyncio.wait_for(cloud.asked.wait(), 20)
            during = next(one for (span, _), one in (await accounts(home)).items() if span == "day")
            assert (during["spent_usd"], during["reserved_usd"] > 0.0024) == (0, True)
            node.kill()
            await asyncio.gather(asked, return_exceptions=True)
        cloud.hold = ""
        async with process(home, ""):
            after = next(one for (span, _), one in (await accounts(home)).items() if span == "day")
            assert after["spent_usd"] == during["reserved_usd"]
            assert after["reserved_usd"] == 0
            running = json.loads(home.running.read_bytes())
            token = home.token.read_text().strip()
            assert (await ask(running["http"], token)).status_code == 403, "the rest is too little"
        assert "paid requests ran" in (home.path / "log").read_text()
