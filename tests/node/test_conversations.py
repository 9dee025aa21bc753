"""One vault for each conversation: the same from turn to turn, never shared between two."""

from islandrun.vocabulary import ChatRequest, Message, Prompt
from islandrun_node import conversations
from islandrun_node.conversations import Conversations


def request(*texts: str, name: str = "") -> ChatRequest:
    roles = ("user", "assistant") * len(texts)
    turns = tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))
    return ChatRequest("m", Prompt((Message("system", "be kind"), *turns)), conversation=name)


def test_later_turns_find_the_vault_of_the_first() -> None:
    kept = Conversations()
    first = kept.vault(request("hello"), "local", 0.0)
    assert kept.vault(request("hello", "hi", "and now?"), "local", 1.0) is first
    assert kept.vault(request("good day"), "local", 2.0) is not first


def test_a_name_is_a_conversation_and_callers_are_kept_apart() -> None:
    kept = Conversations()
    mine = kept.vault(request("a", name="x"), "local", 0.0)
    assert kept.vault(request("b", name="x"), "local", 0.0) is mine
    assert kept.vault(request("a", name="x"), "island", 0.0) is not mine
    assert kept.vault(request("a"), "local", 0.0) is not kept.vault(request("a"), "island", 0.0)


def test_the_old_are_forgotten_and_there_are_never_too_many(monkeypatch) -> None:
    kept = Conversations()
    first = kept.vault(request("a"), "local", 0.0)
    assert kept.vault(request("a"), "local", conversations.TTL_SECONDS + 1) is not first
    monkeypatch.setattr(conversations, "CONVERSATIONS_MAX", 3)
    vaults = [kept.vault(request(str(number)), "local", 1e6) for number in range(5)]
    assert kept.vault(request("4"), "local", 1e6) is vaults[4]
    assert kept.vault(request("0"), "local", 1e6) is not vaults[0]
    assert "Conversations 3" in repr(kept)
