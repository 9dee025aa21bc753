"""Verbs that read a running node: status, islands, models, explain. Each asks its local listener."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import click

from islandrun.errors import IslandRunError, StateError
from islandrun_node.cli.loads import load_json, load_words, machine_words
from islandrun_node.cli.output import CommandFailed, Exit, show, table
from islandrun_node.cli.reasons import is_meant, reasons, reasons_text
from islandrun_node.cli.session import Session
from islandrun_node.home import Home, read_private

if TYPE_CHECKING:
    import grpc

    from islandrun.routing.receipt import Receipt
    from islandrun.v1 import attestation_pb2, chat_pb2, chat_pb2_grpc, status_pb2, status_pb2_grpc

T = TypeVar("T")

CALL_SECONDS_MAX: Final = 15.0
SPECIAL_MODELS: Final = {
    "islandrun/auto": "any model of the mesh",
    "islandrun/local": "only what this node runs itself, no cloud",
    "islandrun/private": "only personal and edge islands",
}
PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Stubs:
    """The services of the node on this machine."""

    chat: chat_pb2_grpc.ChatServiceStub
    status: status_pb2_grpc.StatusServiceStub


def with_node(session: Session, work: Callable[[Stubs], Awaitable[T]]) -> T:
    """Run some calls against the node of this home.

    Raises `CommandFailed` when it does not run or does not know us, and our errors as the node sent them.
    """
    address = grpc_address(session.home)
    try:
        token = read_private(session.home.token).decode().strip()
    except StateError as error:
        hint = "start the node once as this user: `islandrun-node up`"
        raise CommandFailed(str(error), hint, Exit.NOT_AUTHENTICATED) from None
    return asyncio.run(_call(address, token, work))


def grpc_address(home: Home) -> str:
    """Return where the node of a home listens for programs. Raises `CommandFailed` when none runs."""
    try:
        running = json.loads(home.running.read_bytes())
    except (OSError, ValueError):
        hint = "start it with `islandrun-node up`, or name its folder with --home"
        raise CommandFailed(f"no node runs in {home.path}", hint, Exit.NOT_REACHABLE) from None
    address = running.get("grpc") if isinstance(running, dict) else None
    if not isinstance(address, str):
        hint = "stop the node and start it again with `islandrun-node up`"
        raise CommandFailed(f"{home.running} names no gRPC listener", hint, Exit.NOT_REACHABLE)
    return address


async def _call(address: str, token: str, work: Callable[[Stubs], Awaitable[T]]) -> T:
    import grpc

    from islandrun.v1 import chat_pb2_grpc, status_pb2_grpc
    from islandrun_node.channels import local_channel

    async with local_channel(address, token) as channel:
        stubs = Stubs(
            chat=chat_pb2_grpc.ChatServiceStub(channel),
            status=status_pb2_grpc.StatusServiceStub(channel),
        )
        try:
            return await work(stubs)
        except grpc.aio.AioRpcError as error:
            raise _failure(error, address) from None


def _failure(error: grpc.aio.AioRpcError, address: str) -> IslandRunError:
    """Tell apart a node that is not there, one that does not know us, and one that says no."""
    from islandrun_node.services.errors import error_info, error_of

    code = error.code().name
    if code == "UNAUTHENTICATED":
        hint = "its token has changed: use the home folder of that node"
        return CommandFailed(f"the node at {address} does not know this token", hint, Exit.NOT_AUTHENTICATED)
    if code == "UNAVAILABLE" and error_info(error) is None:
        hint = "start it with `islandrun-node up`; its log says why it stopped"
        return CommandFailed(f"the node at {address} does not answer", hint, Exit.NOT_REACHABLE)
    return error_of(error)


# ---------------------------------------------------------------- the verbs


@click.command()
@click.option("--check", is_flag=True, help="End with 6 when the node is degraded.")
@click.pass_obj
def status(session: Session, check: bool) -> int:
    """Show this node and its mesh."""
    from islandrun.v1 import status_pb2
    from islandrun_node import world_clock
    from islandrun_node.root_key import root_state

    async def read(node: Stubs) -> status_pb2.MeshStatus:
        request = status_pb2.GetMeshStatusRequest()
        response: status_pb2.GetMeshStatusResponse = await node.status.GetMeshStatus(
            request, timeout=CALL_SECONDS_MAX
        )
        return response.status

    found = with_node(session, read)
    minutes = max(0, world_clock.now().wall_ms - found.up_since_ms) // 60_000
    lines = [
        f"{found.self_name or found.self_id} in mesh {found.mesh_name}, version {found.version},"
        f" up {minutes // 60} h {minutes % 60} min",
        f"islands:  {found.islands}, {found.islands_alive} alive",
        f"requests: {found.requests_answered} answered, {found.requests_refused} refused,"
        f" {found.requests_failed} failed",
        *([f"load:     {machine_words(found.load)}"] if found.HasField("load") else []),
        f"root:     {root_state(session.home)}",
        *([found.held_back] if found.held_back else []),
        *([f"reached through relay {' and '.join(found.relays)}"] if found.relays else []),
        *(f"degraded: {reason}" for reason in found.degraded),
    ]
    content: dict[str, object] = {field.name: getattr(found, field.name) for field in found.DESCRIPTOR.fields}
    content |= {"degraded": list(found.degraded), "relays": list(found.relays)}
    content["root"] = str(root_state(session.home))
    content["load"] = load_json(found)
    show(session, "status/v1", content, "\n".join(lines))
    return Exit.DEGRADED if check and found.degraded else Exit.OK


@click.command()
@click.option("--why", is_flag=True, help="Show every factor of the trust; the lowest, marked, decides.")
@click.argument("island", required=False)
@click.pass_obj
def islands(session: Session, why: bool, island: str | None) -> None:
    """List the islands and how far each is trusted; ISLAND is a name or the begin of an id."""
    found = [one for one in _islands(session) if island is None or is_meant(one, island)]
    if island is not None and not found:
        hint = "`islandrun-node islands` lists all names"
        raise CommandFailed(f'no island is called "{island}" here', hint, Exit.USAGE)
    if why:
        content: dict[str, object] = {"islands": [reasons(one) for one in found]}
        show(session, "islands-why/v1", content, "\n\n".join(map(reasons_text, found)))
        return
    rows = [
        (
            f"{island.name}{' (this)' if island.is_self else ''}",
            _word(island.tier, "tier"),
            island.group,
            f"{island.trust_ppm / PPM:.2f}",
            _word(island.standing, "standing"),
            _reach(island),
            load_words(island),
            ", ".join(island.jurisdictions),
            ", ".join(offer.name for offer in island.models),
            ", ".join(offer.name for offer in island.data_sets),
        )
        for island in found
    ]
    headings = (
        "island",
        "tier",
        "group",
        "trust",
        "standing",
        "reach",
        "load",
        "where",
        "models",
        "data sets",
    )
    show(session, "islands/v1", {"islands": [_island(island) for island in found]}, table(headings, rows))


@click.command()
@click.pass_obj
def models(session: Session) -> None:
    """List the models that a request may name, and the islands that have them."""
    offered: dict[str, list[tuple[str, attestation_pb2.ModelOffer]]] = {}
    for island in _islands(session):
        if _word(island.standing, "standing") == "admitted" and island.trust_ppm:
            for offer in island.models:
                offered.setdefault(offer.name, []).append((island.name, offer))
    rows, content = [], []
    for name, offers in sorted(offered.items()):
        best = max((offer for _, offer in offers), key=lambda offer: offer.context_tokens_max)
        where = [island for island, _ in offers]
        rows.append((name, ", ".join(where), str(best.context_tokens_max)))
        content.append({"name": name, "islands": where, "context_tokens_max": best.context_tokens_max})
    for name, text in SPECIAL_MODELS.items():
        rows.append((name, text, ""))
        content.append({"name": name, "islands": [], "context_tokens_max": None})
    show(session, "models/v1", {"models": content}, table(("model", "islands", "context"), rows))


@click.command()
@click.argument("receipt_id", required=False)
@click.pass_obj
def explain(session: Session, receipt_id: str | None) -> None:
    """Explain the decision of a past request: RECEIPT_ID, or the newest when none is given."""
    from islandrun.routing.receipt import explain as explained
    from islandrun.routing.receipt import verify_receipt
    from islandrun.v1 import status_pb2

    async def read(node: Stubs) -> chat_pb2.SignedReceipt | None:
        if receipt_id:
            wanted = status_pb2.GetReceiptRequest(id=receipt_id)
            found: status_pb2.GetReceiptResponse = await node.status.GetReceipt(
                wanted, timeout=CALL_SECONDS_MAX
            )
            return found.receipt
        newest = status_pb2.ListReceiptsRequest(page_size=1)
        page: status_pb2.ListReceiptsResponse = await node.status.ListReceipts(
            newest, timeout=CALL_SECONDS_MAX
        )
        return page.receipts[0] if page.receipts else None

    signed = with_node(session, read)
    if signed is None:
        raise CommandFailed("this node has no receipts yet", "ask something: `islandrun-node ask hello`")
    receipt = verify_receipt(signed)
    show(session, "receipt/v1", _receipt(receipt), explained(receipt).rstrip())


# ---------------------------------------------------------------- JSON


def decision_json(decision: chat_pb2.Decision) -> dict[str, object]:
    """Return a decision as the JSON that commands print; shares are 0 to 1, prices US dollars."""
    return {
        "request_id": decision.request_id,
        "receipt_id": decision.receipt_id,
        "attempt": decision.attempt,
        "profile": decision.profile,
        "task": decision.task,
        "task_confidence": decision.task_confidence_ppm / PPM,
        "sensitivity": decision.sensitivity_ppm / PPM,
        "class": _word(decision.sensitivity_class, "class"),
        "reasons": list(decision.sensitivity_reasons),
        "rules": list(decision.rules),
        "chosen": decision.chosen_name or None,
        "masked": {count.type: count.count for count in decision.masked},
        "summary": decision.summary,
        "candidates": [_candidate(report) for report in decision.candidates],
    }


def _candidate(report: chat_pb2.CandidateReport) -> dict[str, object]:
    return {
        "island": report.name,
        "key": report.island.hex(),
        "tier": _word(report.tier, "tier"),
        "model": report.model,
        "trust": report.trust_ppm / PPM,
        "visible": report.visible_sensitivity_ppm / PPM,
        "masked": report.masked,
        "rank": report.rank,
        "total": report.total_ppm / PPM,
        "cost_usd": report.expected_cost_microusd / PPM,
        "latency_ms": report.expected_latency_ms,
        "vetoes": [{"reason": veto.reason, "detail": veto.detail} for veto in report.vetoes],
    }


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {
        "id": receipt.id,
        "issued_at_ms": receipt.issued_at_ms,
        "origin": receipt.origin.hex(),
        "outcome": receipt.outcome,
        "failure": receipt.failure or None,
        "cost_usd": receipt.cost_microusd / PPM,
        "input_tokens": receipt.usage.input_tokens,
        "output_tokens": receipt.usage.output_tokens,
        "latency_ms": receipt.latency_ms,
        "decisions": [decision_json(decision.to_wire()) for decision in receipt.decisions],
    }


def _islands(session: Session) -> list[status_pb2.Island]:
    from islandrun.v1 import status_pb2

    async def read(node: Stubs) -> status_pb2.ListIslandsResponse:
        request = status_pb2.ListIslandsRequest()
        response: status_pb2.ListIslandsResponse = await node.status.ListIslands(
            request, timeout=CALL_SECONDS_MAX
        )
        return response

    return list(with_node(session, read).islands)


def _island(island: status_pb2.Island) -> dict[str, object]:
    return {
        "id": island.id,
        "key": island.key.hex(),
        "name": island.name,
        "tier": _word(island.tier, "tier"),
        "group": island.group,
        "standing": _word(island.standing, "standing"),
        "reachability": _word(island.reachability, "reachability"),
        "trust": island.trust_ppm / PPM,
        "trust_factors": {factor.name: factor.ppm / PPM for factor in island.trust_factors},
        "jurisdictions": list(island.jurisdictions),
        "endpoints": [endpoint.address for endpoint in island.endpoints],
        "models": [offer.name for offer in island.models],
        "data_sets": [offer.name for offer in island.data_sets],
        "is_self": island.is_self,
        "front": island.front or None,
        "admitted_until_ms": island.admitted_until_ms,
        "through": island.through or None,
        "load": load_json(island),
    }


def _reach(island: status_pb2.Island) -> str:
    word = _word(island.reachability, "reachability")
    return f"{word} through relay {island.through}" if island.through else word


def _word(value: int, kind: str) -> str:
    """Return the word of a number on the wire, such as "edge"; the numbers are those of the vocabulary."""
    from islandrun.vocabulary import Reachability, SensitivityClass, Standing, Tier

    words = {"tier": Tier, "standing": Standing, "reachability": Reachability, "class": SensitivityClass}
    return next((member.name.lower() for member in words[kind] if member == value), "unknown")
