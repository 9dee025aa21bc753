"""The last messages of a simulated mesh as a Mermaid sequence diagram: what to look at when a check fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from islandrun.v1 import mesh_pb2


@dataclass(frozen=True, slots=True)
class Hop:
    """One message that arrived. `outcome` is empty when it was taken in, else why it was refused."""

    at_seconds: float
    source: str
    target: str
    message: mesh_pb2.GossipMessage
    outcome: str = ""


def label(message: mesh_pb2.GossipMessage) -> str:
    """Say in two words what a message is."""
    match message.WhichOneof("body"):
        case "push":
            kinds = sorted({record.kind for record in message.push.attestations})
            return f"push {len(message.push.attestations)} ({', '.join(kinds)})"
        case "bucket_list":
            return f"versions of {len(message.bucket_list.versions)}"
        case "want":
            return f"want {len(message.want.keys)}"
        case body:
            return str(body).replace("_", " ")


def mermaid(hops: Iterable[Hop]) -> str:
    """Draw messages in the order of their arrival."""
    lines = ["sequenceDiagram"]
    for hop in hops:
        arrow = "-x" if hop.outcome else "->>"
        said = label(hop.message)
        words = f"{said}: {hop.outcome}" if hop.outcome else said
        lines.append(f"    {hop.source}{arrow}{hop.target}: {hop.at_seconds:.3f} s {words}")
    return "\n".join(lines)
