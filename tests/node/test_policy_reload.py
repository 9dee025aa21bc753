"""A node reads its policy anew while it runs: on SIGHUP, on a change of the file, and never half of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from pathlib import Path

import httpx2
import pytest

from islandrun.vocabulary import Tier
from islandrun_node import config
from islandrun_node.policy_watch import PolicyWatch
from tests.end_to_end.meshes import founded, process
from tests.node.http_kit import until

RULE = "[[policy.rule]]\nname = 'nowhere'\ndeny = true\n"
EDGE = "[[policy.rule]]\nname = 'edge'\ntiers = ['edge']\n"
WRONG = EDGE + "[[policy.rule]]\nname = 'cloud'\ntiers = ['cloud']\n"


def watch_of(path: Path, text: str = "") -> PolicyWatch:
    path.write_text(text)
    return PolicyWatch(path, config.load(path))


def names(watch: PolicyWatch) -> list[str]:
    return [rule.name for rule in watch.policy.rules.rules]


def test_a_changed_file_counts_when_it_has_stood_still(tmp_path: Path) -> None:
    watch = watch_of(tmp_path / "config.toml")
    (tmp_path / "config.toml").write_text(EDGE)
    watch._look(is_asked=False)
    assert names(watch) == []
    watch._look(is_asked=False)
    assert names(watch) == ["edge"]


@pytest.mark.parametrize("text", [WRONG, "[policy", "[policy]\nprofil = 'fast'", None])
def test_the_policy_before_stays_when_the_file_is_wrong_or_gone(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.toml"
    watch = watch_of(path, EDGE)
    before = watch.policy
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with caplog.at_level(logging.ERROR):
        watch.read()
    assert watch.policy is before
    assert str(path) in watch.degraded()[0]
    assert str(path) in caplog.text
    path.write_text(RULE)
    watch.read()
    assert watch.degraded() == ()
    assert names(watch) == ["nowhere"]


def test_a_key_that_needs_a_restart_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch = watch_of(tmp_path / "config.toml")
    (tmp_path / "config.toml").write_text(
        "name = 'other'\n[policy]\nprofile = 'fast'\ntiers = ['edge']\n[policy.tier_trust]\ncloud = 0.1\n"
        "[listen]\nhttp = '127.0.0.1:1'\n"
    )
    with caplog.at_level(logging.WARNING):
        watch.read()
    (told,) = [record.getMessage() for record in caplog.records]
    assert "name" in told
    assert "listen.http" in told
    assert "policy.tier_trust" in told
    assert "policy.profile" not in told
    assert watch.policy.routing.default_profile == "fast"
    assert watch.policy.routing.tiers == (Tier.EDGE,)


def test_a_request_that_began_keeps_its_policy(tmp_path: Path) -> None:
    from islandrun_node.visits import Visits

    watch = watch_of(tmp_path / "config.toml", EDGE)
    visits = Visits(lambda: watch.policy)
    with visits.admitted("local", "chat") as visit:
        (tmp_path / "config.toml").write_text(RULE)
        watch.read()
        assert [rule.name for rule in visit.policy.rules.rules] == ["edge"]
    with visits.admitted("local", "chat") as visit:
        assert [rule.name for rule in visit.policy.rules.rules] == ["nowhere"]


async def asked(url: str, token: str) -> httpx2.Response:
    body = {"model": "islandrun/auto", "messages": [{"role": "user", "content": "What is a haiku?"}]}
    async with httpx2.AsyncClient(timeout=20) as client:
        return await client.post(
            f"{url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {token}"}
        )


async def until_status(url: str, token: str, status: int) -> httpx2.Response:
    async with asyncio.timeout(30):
        while True:
            answer = await asked(url, token)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system knows no SIGHUP")
async def test_a_real_node_takes_rules_by_sighup_and_by_change_and_keeps_them_when_they_break(
    tmp_path: Path,
) -> None:
    home = founded(tmp_path / "home")
    async with process(home, "") as node:
        running = json.loads(home.running.read_text())
        url, token = running["http"], home.token.read_text().strip()
        assert (await asked(url, token)).status_code == 200
        settings = home.config.read_text()

        home.config.write_text(settings + RULE)
        os.kill(running["pid"], signal.SIGHUP)
        refused = (await until_status(url, token, 403)).json()["error"]
        assert refused["code"] == "no_eligible_island"
        assert refused["islands"][0]["reasons"] == ["POLICY"]
        assert "rule nowhere" in refused["islands"][0]["details"][0]

        home.config.write_text(settings + WRONG)
        os.kill(running["pid"], signal.SIGHUP)
        await until(lambda: b"have nothing in common" in (home.path / "log").read_bytes())
        assert (await asked(url, token)).status_code == 403

        home.config.write_text(settings)
        assert (await until_status(url, token, 200)).status_code == 200
        assert node.returncode is None
