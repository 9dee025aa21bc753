"""Ask the demo's questions, show what happened to each, and prove what the cloud did not get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from islandrun_node.demo.prompts import CASES, Case
from islandrun_node.demo.stage import Stage

ANSWER_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the demo's table."""

    what: str
    sensitivity: str
    where: str
    why: str
    left: str
    answer: str
    surprises: tuple[str, ...]


def play(stage: Stage, tell: Callable[[str], None]) -> tuple[Shown, ...]:
    """Ask everything in order; `tell` hears of the progress."""
    turns: dict[str, list[dict[str, str]]] = {}
    rows = []
    with httpx2.Client(
        base_url=stage.http,
        timeout=ANSWER_SECONDS_MAX,
        trust_env=False,
        headers={"authorization": f"Bearer {stage.token}"},
    ) as client:
        for number, case in enumerate(CASES, 1):
            tell(f"{number}/{len(CASES)} {case.what} ...")
            rows.append(_ask(client, stage, case, turns.setdefault(case.conversation or str(number), [])))
    return tuple(rows)


def leaks(stage: Stage) -> tuple[str, ...]:
    """Return the requests of which an original is in the cloud's record, in clear or thinly disguised."""
    record = stage.cloud_log.read_bytes().lower()
    return tuple(
        case.what
        for case in CASES
        for original in case.originals
        if any(form in record for form in _forms(original))
    )


def _forms(original: str) -> tuple[bytes, ...]:
    plain = original.lower().encode()
    return (
        plain,
        plain.replace(b" ", b""),
        quote(original).lower().encode(),
        plain.hex().encode(),
        plain[::-1],
    )


@dataclass(slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    text: str = field(repr=False)
    words: str = field(repr=False)


def _ask(client: httpx2.Client, stage: Stage, case: Case, turns: list[dict[str, str]]) -> Shown:
    turns.append({"role": "user", "content": case.text})
    before = stage.cloud_log.stat().st_size
    wishes = dict(case.hints)
    if case.conversation:
        wishes["conversation"] = case.conversation
    response = client.post(
        "/v1/chat/completions", json={"model": case.model, "messages": turns, "islandrun": wishes}
    )
    sent = stage.cloud_log.read_bytes()[before:]
    body = response.json()
    if response.status_code == 200:
        text = body["choices"][0]["message"]["content"]
        turns.append({"role": "assistant", "content": text})
    else:
        text = body["error"]["message"]
    headers = response.headers
    return Shown(
        what=case.what,
        sensitivity=headers.get("x-islandrun-sensitivity", "?"),
        where=headers.get("x-islandrun-island", "nobody"),
        why=headers.get("x-islandrun-decision", "?"),
        left=_left(headers.get("x-islandrun-redactions", "0"), headers.get("x-islandrun-decision", ""), sent),
        answer=" ".join(text.split()),
        surprises=tuple(_surprises(case, response, text, sent)),
    )


def _left(redactions: str, decision: str, sent: bytes) -> str:
    if not sent:
        return "nothing to a cloud"
    return f"{redactions} values masked" if decision == "masked" else "the text as it is"


def _surprises(case: Case, response: httpx2.Response, text: str, sent: bytes) -> list[str]:
    found = []
    where = response.headers.get("x-islandrun-island", "")
    how = response.headers.get("x-islandrun-decision", "")
    if (response.status_code == 200) is not bool(case.island):
        found.append(f"answered with status {response.status_code}")
    if case.island and (where, how) != (case.island, case.how):
        found.append(f"went to {where or 'nobody'} ({how}) instead of {case.island} ({case.how})")
    if bool(sent) is not (case.island == "cloud"):
        found.append("the cloud " + ("received something" if sent else "received nothing"))
    if case.contains and case.contains not in text:
        found.append("the answer misses what it should say")
    if case.how == "masked" and "[" + "CARD_1]" in text:
        found.append("a placeholder was not put back")
    if case.conversation and sent and (b"[CARD_1]" not in sent or b"[CARD_2]" in sent):
        found.append("the placeholder of the conversation changed")
    return found
