"""Conversations on a real file, for the tests of vaults at rest."""

from __future__ import annotations

from pathlib import Path

from islandrun.privacy.vault import Vault
from islandrun.vocabulary import ChatRequest, FindingType, Instant, Message, Prompt
from islandrun_node.conversations import Conversations
from islandrun_node.stores.conversations import ConversationStore

SEALING, NAMING = b"s" * 32, b"n" * 32
HOUR_MS = 3_600_000


def request(*texts: str, name: str = "") -> ChatRequest:
    roles = ("user", "assistant") * len(texts)
    turns = tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))
    return ChatRequest("m", Prompt((Message("system", "be kind"), *turns)), conversation=name)


def at(hours: float) -> Instant:
    return Instant(hours * 3600, round(hours * HOUR_MS))


def kept_in(folder: Path, hours: float = 24.0) -> Conversations:
    """Open the conversations of a folder, as a node does when it starts."""
    return Conversations(ConversationStore.open(folder / "conversations.db", SEALING), NAMING, hours)


def hide(vault: Vault, *names: str) -> list[str]:
    return [vault.placeholder_for(FindingType.PERSON, name) for name in names]


def rows(kept: Conversations) -> list[tuple[object, ...]]:
    return kept._store._database.read(
        "SELECT name, expires_at_ms, content FROM vaults ORDER BY expires_at_ms"
    )


def tell(kept: Conversations, statement: str) -> None:
    """Run a statement on the connection of the store itself."""
    kept._store._database.read(statement)


def everything(folder: Path) -> bytes:
    """Return all bytes of all files below a folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
