"""Values of every kind planted in passages: what goes to a cloud holds none of them, and all come back."""

from __future__ import annotations

import asyncio

import pytest

from islandrun.locality.passages import with_sources
from islandrun.privacy.restore import restore
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Message, Passage, Ppm, Prompt
from islandrun_node.config_tables import Privacy
from islandrun_node.detectors import load_watch
from islandrun_node.privacy_worker import PrivacyWorker
from tests.end_to_end.aviary import Aviary, Haystack

CLOUD = Ppm(200_000)
ASKED = Prompt((Message("user", "What does the file say?"),))


def passages(aviary: Aviary) -> list[Passage]:
    """Return a passage for each kind of value, with a heading that holds one, too."""
    return [
        Passage("files", "a.md", f"It was late. {canary.sentence}.\nSo {canary.value} it is.", Ppm(1), "File")
        for canary in aviary.one_of_each()
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_value_in_a_passage_or_heading_reaches_a_cloud(seed: int) -> None:
    aviary = Aviary(seed)
    shown = passages(aviary)
    heading = aviary.bare()
    shown += [Passage("files", "a.md", "More of it.", Ppm(1), canary.sentence) for canary in heading]
    worker = PrivacyWorker(lambda: load_watch(Privacy()))
    try:
        leaked, sent = [], 0
        for passage in shown:
            prompt, vault = with_sources(ASKED, [passage]), Vault()
            assessment = await worker.assess(prompt, Ppm(0))
            if assessment.visible_ppm(CLOUD) > CLOUD:
                continue  # a cloud is refused, which hides all of it
            sent += 1
            masked = await worker.sanitize(prompt, assessment, CLOUD, vault)
            text = masked.prompt.messages[0].text
            haystack = Haystack(text.encode())
            leaked += [canary for canary in aviary.all if haystack.found(canary)]
            assert prompt.messages[0].text in restore(text, vault)
        assert leaked == []
        assert sent > len(shown) // 2, (sent, len(shown))
    finally:
        worker.close()
        await asyncio.sleep(0)
