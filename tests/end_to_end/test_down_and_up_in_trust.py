"""One conversation at home, in a cloud and at home again: the whole history is masked, then itself again."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun_node import enrolment
from islandrun_node.listeners import Listening
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, settings, up

pytestmark = pytest.mark.slow
FIRST, SECOND, THIRD = "4012 8888 8888 1881", "5555 5555 5555 4444", "3714 496353 98431"

Turn = dict[str, str]


async def say(node: Listening, model: str, history: list[Turn], text: str) -> str:
    """Add a turn of the user and the answer to the history, as a chat program does; return the answer."""
    history.append({"role": "user", "content": text})
    headers = {"authorization": f"Bearer {node.token}"}
    body = {"model": model, "messages": history, "islandrun": {"conversation": "cards"}}
    async with httpx2.AsyncClient(base_url=node.http, headers=headers, timeout=30, trust_env=False) as client:
        response = await client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    answer = str(response.json()["choices"][0]["message"]["content"]).strip()
    history.append({"role": "assistant", "content": answer})
    return answer


def seen_by(served: Engine) -> str:
    """Return the texts of the last prompt that an engine was sent."""
    prompt = json.loads(served.received[-1].partition(b"\r\n\r\n")[2])
    return " | ".join(str(message["content"]) for message in prompt["messages"])


async def test_a_history_is_masked_on_the_way_down_and_whole_on_the_way_up(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        at_home = await stack.enter_async_context(engine(f"{SECOND} is your other card"))
        cloud = await stack.enter_async_context(engine("[CARD_2] is not [CARD_1]"))
        laptop = founded(tmp_path)
        await enrolment.admit_outbound(laptop, "cloud")
        wanted = settings(
            "laptop",
            backend={"kind": "openai", "url": at_home.url, "models": [{"name": "small", "quality": 0.5}]},
            outbound=[{"name": "cloud", "url": cloud.url, "models": [{"name": "large", "quality": 0.9}]}],
            policy={"tier_trust": {"cloud": 0.4}},
        )
        node = await up(laptop, wanted, stack)
        history: list[Turn] = []
        await asyncio.wait_for(say(node, "small", history, f"is the card {FIRST} valid?"), 30)
        assert FIRST in seen_by(at_home), "full trust sees it as it is"

        answer = await say(node, "large", history, "compare them")
        below = seen_by(cloud)
        assert FIRST not in below
        assert SECOND not in below, "what an island of full trust answered is masked, too"
        assert below.endswith("is the card [CARD_1] valid? | [CARD_2] is your other card | compare them")
        assert answer == f"{SECOND} is not {FIRST}"

        await say(node, "small", history, f"and {THIRD}?")
        above = seen_by(at_home)
        assert "[CARD_" not in above, "no placeholder comes back up"
        assert f"{SECOND} is not {FIRST} | and {THIRD}?" in above

        await say(node, "large", history[3:], "which was the first?")
        below = seen_by(cloud)
        assert "[CARD_2] is not [CARD_1] | and [CARD_3]?" in below, (
            "the same numbers, without the first turns"
        )
        assert all(card.encode() not in b"".join(cloud.received) for card in (FIRST, SECOND, THIRD))
