"""The command line against a node's local listener: real processes and receipts, scripted answers."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace

import grpc
import pytest

from islandrun.agents.agent import Objective, Veto, VetoReason
from islandrun.errors import Interrupted, NobodyMaySee
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.v1 import chat_pb2_grpc, status_pb2, status_pb2_grpc
from islandrun.vocabulary import (
    FindingType,
    Finished,
    IslandId,
    IslandView,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    PublicKey,
    Reachability,
    Standing,
    TextDelta,
    Tier,
    TrustScore,
    Usage,
)
from islandrun_node.home import Home, write_private
from islandrun_node.identity import IslandKey
from islandrun_node.journal import Journal
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.request import Decided, Plan
from islandrun_node.services.chat import ChatService
from islandrun_node.services.local_access import TokenCheck
from islandrun_node.services.status import StatusService
from islandrun_node.stores.database import Database
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS

TOKEN = "t" * 40
KEY = PublicKey(b"k" * 32)
SCORES = tuple((objective, 100_000) for objective in Objective)


def report(*vetoes: Veto) -> CandidateReport:
    ranked = not vetoes
    return CandidateReport(
        IslandId("o" * 52), KEY, "office", Tier.EDGE, Ppm(800_000), Ppm(300_000), ranked, "tiny", vetoes,
        1_250 if ranked else 0, 90, SCORES if ranked else (), 100_000 if ranked else 0, int(ranked),
    )  # fmt: skip


def decision(chosen: CandidateReport | None, *others: CandidateReport) -> Decision:
    reports = (*((chosen,) if chosen else ()), *others)
    masked = ((FindingType.EMAIL, 1),) if chosen else ()
    return Decision(
        "r-1", "r-1", 1, "balanced", Ppm(600_000), ("EMAIL x1",), reports, chosen, masked, "office runs it"
    )


DECIDED = Decided(decision(report()))
END = Finished("stop", Usage(7, 3), "tiny")
REFUSED = decision(None, report(Veto(VetoReason.RESIDENCY, "in US: not allowed")))


def view(name: str, **fields: object) -> IslandView:
    known = {
        "id": IslandId("o" * 52), "key": KEY, "name": name, "tier": Tier.EDGE, "group": "work",
        "jurisdictions": ("DE",), "standing": Standing.ADMITTED, "reachability": Reachability.ALIVE,
        "trust": TrustScore(Ppm(800_000)), "models": (ModelOffer("tiny", 8192, Ppm(700_000)),),
        "data_sets": (), "endpoints": (), "requests_max": 4, "load": None, "round_trip_ms": 3,
        "attested_until_ms": 1,
        "admitted_until_ms": 2,
    }  # fmt: skip
    return IslandView(**(known | fields))


class Scripted:
    """Stands where `Requests` stands, and keeps receipts as the real one does."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.script: list[object] = [DECIDED, TextDelta("Hello, "), TextDelta("world\x1b[2J"), END]
        self.decision = DECIDED.decision
        self.asked = []

    async def answer(self, request, caller="local"):
        self.asked.append(request)
        with self.journal.record("r-1") as record:
            for item in self.script:
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, Decided):
                    record.decided(item.decision)
                else:
                    record.piece(item)
                yield item

    async def plan(self, request, caller="local") -> Plan:
        self.asked.append(request)
        seen = Prompt((Message("user", "write to [EMAIL_1]"),)) if self.decision.chosen else None
        return Plan(self.decision, seen)


@pytest.fixture
async def node(tmp_path) -> AsyncIterator[SimpleNamespace]:
    home = Home(tmp_path / "home")
    home.create()
    database = Database.open(home.receipts, RECEIPTS)
    key = IslandKey.create(tmp_path / "island.key")
    store = ReceiptStore(database)
    journal = Journal(ReceiptLog(store, key.public, key.sign), key.public)
    scripted = Scripted(journal)
    status = status_pb2.MeshStatus(
        mesh_name="home", self_name="laptop", version="1", islands=2, islands_alive=1
    )
    views = [
        view("laptop", is_self=True),
        view("gone", reachability=Reachability.UNREACHABLE, models=()),
        view("hidden", through="box", models=()),
    ]
    outlook = SimpleNamespace(
        mesh_status=lambda: status,
        islands=lambda: views,
        receipts=store.page,
        receipt=store.get,
        journal=journal,
    )
    server = grpc.aio.server(interceptors=[TokenCheck(TOKEN)])
    chat_pb2_grpc.add_ChatServiceServicer_to_server(ChatService(scripted, SimpleNamespace()), server)
    status_pb2_grpc.add_StatusServiceServicer_to_server(StatusService(outlook, shows_receipts=True), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    home.running.write_text(json.dumps({"pid": os.getpid(), "grpc": f"127.0.0.1:{port}"}))
    write_private(home.token, TOKEN.encode())
    yield SimpleNamespace(home=home, scripted=scripted, status=status, server=server)
    await server.stop(0)
    database.close()


async def run(node, *arguments: str, text: bytes = b"") -> tuple[int, str, str]:
    """Run a command in a process of its own; return its exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from islandrun_node.cli import main; main()",
        "--home", str(node.home.path), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(text)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_status_is_a_screen_or_json_and_its_check_ends_with_6(node) -> None:
    code, out, _ = await run(node, "status")
    assert (code, "laptop in mesh home" in out, "2, 1 alive" in out) == (0, True, True)
    node.status.degraded.append("no names detector")
    node.status.relays.extend(["box", "north"])
    assert "reached through relay box and north" in (await run(node, "status"))[1]
    assert (await run(node, "status"))[0] == 0
    code, out, _ = await run(node, "status", "--check", "--json")
    made = json.loads(out)
    assert made["relays"] == ["box", "north"]
    assert (code, made["schema"], made["degraded"]) == (
        6,
        "islandrun.status/v1",
        ["no names detector"],
    )


async def test_islands_and_models(node) -> None:
    code, out, _ = await run(node, "islands")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert rows[1][:9] == ["laptop", "(this)", "edge", "work", "0.80", "admitted", "alive", "-", "DE"]
    assert rows[2][5] == "unreachable"
    assert "alive through relay box" in out
    code, out, _ = await run(node, "islands", "--why", "laptop")
    assert (code, out.splitlines()) == (0, ["laptop: trust 0.80"])
    assert (await run(node, "islands", "nobody"))[0] == 2
    listed = json.loads((await run(node, "--json", "islands"))[1])["islands"]
    assert [island["through"] for island in listed] == [None, None, "box"]
    made = json.loads((await run(node, "--json", "models"))[1])
    assert made["models"][0] == {"name": "tiny", "islands": ["laptop"], "context_tokens_max": 8192}
    assert "islandrun/auto" in [model["name"] for model in made["models"]]


async def test_ask_streams_to_stdout_and_decides_on_stderr(node) -> None:
    hints = ["--tier", "edge", "--max-cost", "0.5", "--sensitivity", "internal", "--jurisdiction", "de"]
    code, out, err = await run(node, "ask", "--system", "be short", *hints, "hello", "there")
    assert (code, out, err) == (0, "Hello, world\x1b[2J\n", "office runs it\n")
    asked = node.scripted.asked[0]
    assert [(turn.role, turn.text) for turn in asked.prompt.messages] == [
        ("system", "be short"),
        ("user", "hello there"),
    ]
    assert (asked.hints.tiers, asked.hints.cost_max_microusd) == ((Tier.EDGE,), 500_000)
    assert (asked.hints.sensitivity_min_ppm, asked.hints.jurisdictions) == (250_000, ("DE",))


async def test_ask_reads_stdin_and_writes_json(node) -> None:
    code, out, err = await run(node, "ask", "--json", text="grüße\n".encode())
    made = json.loads(out)
    assert (code, err, made["schema"]) == (0, "", "islandrun.answer/v1")
    assert (made["answer"], made["output_tokens"]) == ("Hello, world\x1b[2J", 3)
    assert made["decision"]["masked"] == {"EMAIL": 1}
    assert node.scripted.asked[0].prompt.messages[0].text == "grüße\n"


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["--tier", "home", "x"], b"", "--tier"),
        (["--sensitivity", "7", "x"], b"", "--sensitivity"),
        ([], b"\xff", "byte 0"),
        ([], b" \n", "empty"),
    ],
)
async def test_a_wrong_wish_or_text_is_a_usage_error(node, arguments, text, words) -> None:
    code, out, err = await run(node, "ask", *arguments, text=text)
    assert (code, out, words in err) == (2, "", True)
    assert not node.scripted.asked


async def test_a_refusal_is_5_and_a_broken_answer_is_1(node) -> None:
    node.scripted.script = [NobodyMaySee("nobody may see this: office: in US: not allowed", REFUSED)]
    assert await run(node, "ask", "x") == (5, "", "error: nobody may see this: office: in US: not allowed\n")
    node.scripted.script = [DECIDED, TextDelta("half"), Interrupted("the answer of office broke off")]
    code, out, err = await run(node, "ask", "x")
    assert (code, out, err.splitlines()[-1]) == (1, "half", "error: the answer of office broke off")


async def test_plan_shows_what_would_be_seen_and_5_when_nobody_may(node) -> None:
    code, out, _ = await run(node, "plan", "write to a@b.example")
    assert (code, "office would see:" in out, "user: write to [EMAIL_1]" in out) == (0, True, True)
    node.scripted.decision = REFUSED
    code, out, _ = await run(node, "plan", "--json", "x")
    made = json.loads(out)
    assert (code, made["decision"]["chosen"], made["visible_prompt"]) == (5, None, None)
    assert made["decision"]["candidates"][0]["vetoes"] == [
        {"reason": "RESIDENCY", "detail": "in US: not allowed"}
    ]


async def test_explain_tells_the_newest_receipt_or_one_by_id(node) -> None:
    code, _, err = await run(node, "explain")
    assert (code, err.splitlines()[0]) == (1, "error: this node has no receipts yet")
    await run(node, "ask", "x")
    code, out, _ = await run(node, "explain")
    assert (code, "Receipt r-1" in out, "answered" in out) == (0, True, True)
    made = json.loads((await run(node, "explain", "r-1", "--json"))[1])
    assert (made["schema"], made["outcome"], made["decisions"][0]["chosen"]) == (
        "islandrun.receipt/v1", "answered", "office",
    )  # fmt: skip
    code, _, err = await run(node, "explain", "r-9")
    assert (code, "no receipt has that id" in err) == (1, True)


async def test_a_wrong_token_is_4_and_a_node_that_went_away_is_3(node) -> None:
    node.home.token.write_text("another")
    assert (await run(node, "status"))[0] == 4
    await node.server.stop(0)
    code, _, err = await run(node, "status")
    assert (code, "does not answer" in err) == (3, True)


async def test_doctor_sees_the_mesh_through_the_node(node) -> None:
    made = json.loads((await run(node, "doctor", "--json"))[1])
    found = {check["name"]: check for check in made["checks"]}
    assert found["node"]["state"] == "ok"
    assert (found["mesh"]["state"], found["mesh"]["detail"]) == ("warn", "1 of 2 out of reach: gone")
