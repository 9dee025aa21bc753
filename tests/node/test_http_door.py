"""The HTTP door against clients that are wrong, huge, foreign or of another origin, over raw HTTP."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace

import httpx2
import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from islandrun.agents.agent import Veto, VetoReason
from islandrun.errors import NobodyMaySee
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.v1 import status_pb2
from islandrun.vocabulary import (
    Finished,
    IslandId,
    ModelOffer,
    Ppm,
    PublicKey,
    TextDelta,
    Tier,
    Usage,
)
from islandrun_node.config_tables import Limits
from islandrun_node.http.app import build_app
from islandrun_node.http.body import read_body
from islandrun_node.http.guard import is_loopback
from islandrun_node.http.problems import Rejected
from islandrun_node.request import Decided
from tests.node.http_kit import outlook_of

TOKEN = "t" * 40
ME = IslandId("m" * 52)
LIMIT = 11 * 1024 * 1024
HERE = CandidateReport(
    ME,
    PublicKey(b"k" * 32),
    "laptop",
    Tier.PERSONAL,
    Ppm(1_000_000),
    Ppm(0),
    False,
    "tiny",
    (),
    0,
    1,
    (),
    0,
    1,
)
DECIDED = Decided(Decision("r-1", "r-1", 1, "balanced", Ppm(0), (), (HERE,), HERE, (), "laptop runs it"))


SENTENCES = SimpleNamespace(offer=lambda: ModelOffer("letters", 100, Ppm(0)))


class Echo:
    """Answers every request with the length of its first message."""

    def __init__(self) -> None:
        self.asked = []
        self.listed = 0
        self.refusal = None

    def models(self) -> tuple[str, ...]:
        self.listed += 1
        return ("tiny",)

    async def answer(self, request, caller="local"):
        self.asked.append(request)
        if self.refusal:
            raise self.refusal
        yield DECIDED
        yield TextDelta(str(len(request.prompt.messages[0].text)))
        yield Finished("stop", Usage(1, 1), "tiny")


@pytest.fixture
async def door() -> AsyncIterator[SimpleNamespace]:
    echo = Echo()
    outlook = outlook_of(status_pb2.MeshStatus(islands=3, islands_alive=2, degraded=["no names detector"]))
    app = build_app(echo, outlook, SENTENCES, TOKEN, Limits(body_bytes_max=LIMIT), CollectorRegistry())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        yield SimpleNamespace(client=client, echo=echo, port=port)
    server.should_exit = True
    await task


def body(text: str = "hello", **fields: object) -> bytes:
    return json.dumps({"model": "tiny", "messages": [{"role": "user", "content": text}]} | fields).encode()


async def post(door, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx2.Response:
    return await door.client.post("/v1/chat/completions", content=content, headers=headers)


async def test_health_needs_no_token_and_tells_nothing(door) -> None:
    answer = await door.client.get("/healthz", headers={"authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/v1/chat/completions", "/nowhere"])
@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN]
)
async def test_everything_else_needs_the_token(door, path, given) -> None:
    answer = await door.client.get(path, headers={"authorization": given})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/v1/models"])
@pytest.mark.parametrize(
    "host", ["evil.example", "192.168.1.5:8470", "localhost.evil.example", "127.0.0.1.nip.io"]
)
async def test_a_name_that_points_here_is_not_enough(door, path, host) -> None:
    answer = await door.client.get(path, headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.9.1:8470", "[::1]", "[::1]:8470"]
)
def test_names_of_this_machine(host) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "::1",
        "[::1",
        "[::2]",
        "0.0.0.0",
        "localhost:x",
        "127.0.0.1:1:2",
        "a@localhost",
        "127.1",
        "2130706433",
    ],
)
def test_names_that_are_not_this_machine(host) -> None:
    assert not is_loopback(host)


async def test_no_other_origin_may_read_an_answer(door) -> None:
    preflight = {
        "origin": "https://page.example",
        "access-control-request-method": "POST",
        "authorization": "",
    }
    assert (await door.client.options("/v1/chat/completions", headers=preflight)).status_code == 401
    answer = await post(door, body(), origin="https://page.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_unknown_paths_and_methods_have_the_same_shape(door) -> None:
    nowhere, wrong = await door.client.get("/v2"), await door.client.get("/v1/chat/completions")
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"


async def test_ten_megabytes_get_an_answer(door) -> None:
    answer = await post(door, body("x" * 10_000_000))
    assert answer.json()["choices"][0]["message"]["content"] == "10000000"


@pytest.mark.parametrize("factor", [2, 8])
@pytest.mark.parametrize("is_length_told", [True, False])
async def test_too_large_a_body_gets_a_clear_error(door, factor, is_length_told) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(factor):
            yield b"x" * LIMIT

    answer = await post(door, b"x" * (LIMIT * factor) if is_length_told else parts())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert not door.echo.asked


async def test_a_client_that_writes_all_before_it_reads_gets_the_error_too(door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}content-length: {LIMIT * 3}\r\n\r\n".encode())
    for _ in range(3):
        writer.write(b"x" * LIMIT)
        await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_what_is_over_the_limit_is_not_kept() -> None:
    megabyte, count = 1024 * 1024, 60
    parts = iter(range(count))

    async def receive() -> dict[str, object]:
        place = next(parts)
        return {"type": "http.request", "body": bytes(megabyte), "more_body": place < count - 1}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    tracemalloc.start()
    try:
        with pytest.raises(Rejected):
            await read_body(request, 20 * megabyte)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 * megabyte


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(door) -> None:
    whole = body()
    assert (await post(door, whole + b" " * (LIMIT - len(whole)))).status_code == 200
    assert (await post(door, whole + b" " * (LIMIT - len(whole) + 1))).status_code == 413


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b'{"messages": "\xff"}', "invalid_utf8", "byte 14"),
        (b'{"messages": ', "invalid_json", "byte 13"),
        (b"", "invalid_json", "byte 0"),
    ],
)
async def test_a_broken_body_names_the_place(door, content, code, words) -> None:
    error = (await post(door, content)).json()["error"]
    assert (error["code"], error["type"], error["param"]) == (code, "invalid_request_error", None)
    assert words in error["message"]


async def test_hints_of_body_and_headers_reach_the_decision(door) -> None:
    answer = await post(
        door,
        body(islandrun={"max_cost": 1, "conversation": "c-1"}),
        **{
            "X-IslandRun-Max-Cost": "0.5",
            "X-IslandRun-Tier": "personal",
            "x-islandrun-sensitivity": "internal",
        },
    )
    assert answer.headers["x-islandrun-decision"] == "local"
    asked = door.echo.asked[0]
    assert (asked.hints.cost_max_microusd, asked.hints.tiers) == (500_000, (Tier.PERSONAL,))
    assert (asked.hints.sensitivity_min_ppm, asked.conversation) == (250_000, "c-1")


async def test_a_misspelt_hint_is_an_error(door) -> None:
    in_body = (await post(door, body(islandrun={"jurisdiktion": "DE"}))).json()["error"]
    in_header = (await post(door, body(), **{"x-islandrun-jurisdictions": "DE"})).json()["error"]
    assert in_body["param"] == "islandrun.jurisdiktion"
    assert in_header["param"] == "x-islandrun-jurisdictions"
    assert not door.echo.asked


def refused(*reasons: VetoReason) -> NobodyMaySee:
    reports = tuple(replace(HERE, vetoes=(Veto(reason, ""),)) for reason in reasons)
    return NobodyMaySee("no", replace(DECIDED.decision, reports=reports, chosen=None))


MISSING, TRUST = VetoReason.MODEL_MISSING, VetoReason.TRUST_BELOW_SENSITIVITY


@pytest.mark.parametrize(
    ("model", "reasons", "code"),
    [
        ("gone", [MISSING, MISSING], "model_not_found"),
        ("gone@laptop", [MISSING], "model_not_found"),
        ("gone", [MISSING, TRUST], "no_eligible_island"),
        ("islandrun/auto", [MISSING], "no_eligible_island"),
        ("@laptop", [MISSING], "no_eligible_island"),
    ],
)
async def test_a_model_that_no_island_has_is_told_apart_from_a_refusal(door, model, reasons, code) -> None:
    door.echo.refusal = refused(*reasons)
    answer = await post(door, body(model=model))
    assert answer.json()["error"]["code"] == code
    assert answer.status_code == (404 if code == "model_not_found" else 403)
    assert answer.headers["x-islandrun-decision"] == "refused"
    assert "gone" not in answer.text


async def test_asking_builds_no_list_of_models(door) -> None:
    await post(door, body())
    assert door.echo.listed == 0
    await door.client.get("/v1/models")
    assert door.echo.listed == 1


async def test_metrics_count_by_tier_decision_and_code_only(door) -> None:
    await post(door, body("the user's own words"))
    await post(door, b"{")
    text = (await door.client.get("/metrics")).text
    assert 'islandrun_requests_total{code="200",decision="local",tier="personal"} 1.0' in text
    assert 'islandrun_requests_total{code="400",decision="none",tier="none"} 1.0' in text
    assert "islandrun_decision_seconds_count 1.0" in text
    assert 'islandrun_islands{state="alive"} 2.0' in text
    assert "islandrun_degraded 1.0" in text
    assert not [word for word in ("laptop", "own words", "r-1", ME) if word in text]
