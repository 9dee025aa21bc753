"""A rule about a data set binds its passages, too, once they are in the prompt and nobody names it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from islandrun_node import enrolment
from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import founded, settings, up
from tests.end_to_end.test_passages import LEAVE, folder
from tests.end_to_end.test_passages_at_home import BODY, NAMED, Home

pytestmark = pytest.mark.slow


async def test_passages_go_no_further_than_the_rule_of_their_data_set_allows(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        cloud = await stack.enter_async_context(engine("A haiku has three lines [1]."))
        await enrolment.admit_outbound(laptop, "cloud")
        models = [{"name": "large", "quality": 0.9}, {"name": "small", "quality": 0.6}]
        outbound = {"name": "cloud", "url": cloud.url, "models": models}
        data = {"name": "leave", "path": str(folder(tmp_path, "leave", LEAVE)), "sensitivity": 0.1}
        rule = {"name": "leave-stays", "data_sets": ["leave"], "models": ["small"]}
        policy = {"tier_trust": {"cloud": 0.4}, "rule": [rule]}
        tables = {"outbound": [outbound], "data": [data], "policy": policy}
        node = Home(await up(laptop, settings("laptop", **tables), stack), cloud)

        plain = (await node.post("/v1/chat/completions", BODY)).json()
        assert plain["model"] == "large"
        named = (await node.post("/v1/chat/completions", BODY | NAMED)).json()
        assert named["model"] == "small"
        assert b"within five days" in b"".join(cloud.received)
