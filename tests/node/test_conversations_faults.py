"""Vaults that were tampered with, disks that take nothing, two processes: no number is given twice."""

import logging
from pathlib import Path

import pytest

from islandrun.errors import PrivacyFault, StateError
from islandrun.privacy.vault import Vault
from islandrun_node import conversations
from islandrun_node.conversations import Conversation, Conversations
from islandrun_node.stores.conversations import NEW, ConversationStore
from islandrun_node.stores.sealed import Seal
from tests.node.vault_kit import SEALING, at, everything, hide, kept_in, request, rows, tell


@pytest.fixture
def kept(tmp_path: Path):
    kept = kept_in(tmp_path)
    yield kept
    kept.close()


async def turn(kept: Conversations, text: str, *names: str, hours: float = 0.0) -> Conversation:
    """Open a conversation, hide these names in it, and bring them to the disk."""
    conversation = await kept.open(request(text), "local", at(hours))
    hide(conversation.vault, *names)
    await kept.keep(conversation)
    return conversation


# ---------------------------------------------------------------- rows that do not belong


def test_a_seal_opens_for_its_place_and_key_alone() -> None:
    seal = Seal(bytes(32))
    sealed = seal.close(b"content", b"here")
    assert seal.open(sealed, b"here") == b"content"
    assert seal.close(b"content", b"here") != sealed
    flipped = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    for wrong in (*flipped, sealed[:-1], sealed + b"x", sealed[:10], b""):
        with pytest.raises(StateError, match="does not open"):
            seal.open(wrong, b"here")
    for other, place in ((seal, b"there"), (Seal(b"k" * 32), b"here")):
        with pytest.raises(StateError):
            other.open(sealed, place)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE vaults SET content = (SELECT content FROM vaults AS other WHERE other.name != vaults.name)",
        "UPDATE vaults SET content = zeroblob(500)",
        "UPDATE vaults SET content = x''",
        "UPDATE vaults SET content = substr(content, 1, length(content) - 1)",
    ],
)
async def test_a_row_that_does_not_open_restricts_its_conversation(
    kept: Conversations, tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = {
        text: (await turn(kept, text, who)).name for text, who in (("a", "Anna Kern"), ("b", "Tom Reed"))
    }
    tell(kept, harm)
    kept.close()
    kept = kept_in(tmp_path)
    with caplog.at_level(logging.ERROR):
        lost = await kept.open(request("a"), "local", at(1))
    assert not lost.is_usable
    assert lost.vault.originals() == {}
    assert names["a"].hex()[:8] in caplog.text
    assert names["a"].hex() not in caplog.text
    assert "Anna" not in caplog.text
    with pytest.raises(PrivacyFault):
        await kept.keep(lost)
    assert not (await kept.open(request("a"), "local", at(23))).is_usable, "use does not prolong it"
    anew = await kept.open(request("a"), "local", at(25))
    assert anew.is_usable, "when its time is over the conversation begins anew"
    await turn(kept, "a", "Eva Lind", hours=25)
    assert (await kept.open(request("c"), "local", at(1))).is_usable
    kept.close()


def test_sealed_entries_of_other_rules_are_refused(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "x.db", SEALING)
    for number, entries in enumerate(
        [
            (("[PERSON_2]", "Anna Kern"),),
            (("[NOBODY_1]", "Anna Kern"),),
            (("[PERSON_1]", "Anna Kern"), ("[PERSON_1]", "Tom Reed")),
        ]
    ):
        name = bytes([number]) * 16
        store.save(name, entries, NEW, 1)
        stored = store.load(name, 0)
        assert stored is not None
        assert stored.vault is None
    store.close()


async def test_a_copy_of_the_file_alone_opens_nothing(kept: Conversations, tmp_path: Path) -> None:
    conversation = await turn(kept, "a", "Anna Kern")
    stranger = ConversationStore.open(tmp_path / "conversations.db", b"x" * 32)
    stored = stranger.load(conversation.name, 0)
    assert stored is not None
    assert stored.vault is None
    stranger.close()


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match=r"conversations\.db is damaged.*numbered anew"):
        ConversationStore.open(path, SEALING)


# ---------------------------------------------------------------- a disk that takes nothing

FULL = "PRAGMA max_page_count = 1"
READ_ONLY = "PRAGMA query_only = ON"
BETTER = {FULL: "PRAGMA max_page_count = 1000000", READ_ONLY: "PRAGMA query_only = OFF"}


@pytest.mark.parametrize("fault", [FULL, READ_ONLY])
async def test_conversations_go_on_in_memory_and_the_status_says_so(
    kept: Conversations, fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "IN_MEMORY_MAX", 2)
    await turn(kept, "0", "Anna Kern")
    assert kept.degraded() == ()
    tell(kept, fault)
    with caplog.at_level(logging.WARNING):
        for number in range(8):
            await turn(kept, str(number), *(f"Tom Reed {'x' * 600}{letter}" for letter in "abcdef"))
    assert caplog.text.count("vaults cannot be written") == 1, "said once, not for each request"
    assert "Tom" not in caplog.text
    assert len(kept.degraded()) == 1
    for number in range(8):
        conversation = await kept.open(request(str(number)), "local", at(1))
        assert len(conversation.vault) == 6 + (number == 0), "memory forgets none that the disk lacks"
    tell(kept, BETTER[fault])
    await kept.sweep(at(2))
    assert kept.degraded() == ()
    assert len(rows(kept)) == 8


async def test_memory_does_not_fill_without_bound(
    kept: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "UNKEPT_MAX", 3)
    tell(kept, READ_ONLY)
    for number in range(3):
        await turn(kept, str(number), "Anna Kern")
    with pytest.raises(PrivacyFault, match="wait in memory"):
        await turn(kept, "3", "Anna Kern")
    await turn(kept, "2", "Tom Reed")
    assert len((await kept.open(request("2"), "local", at(0))).vault) == 2
    await kept.sweep(at(24))
    assert kept.degraded() == (), "what expired in memory is gone as well"


async def test_a_disk_that_cannot_be_read_restricts(kept: Conversations, tmp_path: Path) -> None:
    await turn(kept, "a", "Anna Kern")
    kept.close()
    blind = kept_in(tmp_path)
    blind._store.close()
    assert not (await blind.open(request("a"), "local", at(0))).is_usable
    kept = kept_in(tmp_path)
    blind._store = kept._store
    assert (await blind.open(request("a"), "local", at(0))).is_usable, "asked again at the next request"
    blind.close()
    kept.close()


# ---------------------------------------------------------------- two processes


async def test_two_that_write_one_conversation_do_not_mix(kept: Conversations, tmp_path: Path) -> None:
    await turn(kept, "a", "Anna Kern")
    other = kept_in(tmp_path)
    await turn(other, "a", "Tom Reed")
    mine = await kept.open(request("a"), "local", at(0))
    hide(mine.vault, "Eva Lind")
    for _ in range(2):
        with pytest.raises(PrivacyFault):
            await kept.keep(mine)
    fresh = await turn(kept, "a", "Eva Lind")
    assert tuple(fresh.vault.originals().values()) == ("Anna Kern", "Tom Reed", "Eva Lind")
    other.close()


async def test_two_that_begin_one_conversation_do_not_mix(kept: Conversations, tmp_path: Path) -> None:
    other = kept_in(tmp_path)
    mine, theirs = [await each.open(request("a"), "local", at(0)) for each in (kept, other)]
    hide(mine.vault, "Anna Kern")
    hide(theirs.vault, "Tom Reed")
    await other.keep(theirs)
    with pytest.raises(PrivacyFault):
        await kept.keep(mine)
    other.close()


async def test_a_row_that_made_room_is_written_again(kept: Conversations) -> None:
    conversation = await turn(kept, "a", "Anna Kern")
    tell(kept, "DELETE FROM vaults")
    hide(conversation.vault, "Tom Reed")
    await kept.keep(conversation)
    stored = kept._store.load(conversation.name, 0)
    assert stored is not None
    assert isinstance(stored.vault, Vault)
    assert len(stored.vault) == 2


async def test_the_file_holds_nothing_readable(kept: Conversations, tmp_path: Path) -> None:
    await turn(kept, "a", "Anna Kern", "Tom Reed")
    content = everything(tmp_path)
    assert b"vaults_by_expiry" in content, "the right files were read"
    for word in ("Anna", "Kern", "PERSON", "local", "be kind"):
        assert word.encode() not in content
        assert word.encode("utf-16-le") not in content
