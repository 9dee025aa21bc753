"""One vault for each conversation: the same from turn to turn and after a restart, never shared, bounded."""

import asyncio
import pickle
from pathlib import Path

import pytest

from islandrun.errors import PrivacyFault
from islandrun_node import conversations
from islandrun_node.conversations import Conversations
from islandrun_node.stores import conversations as stores
from tests.node.vault_kit import HOUR_MS, at, everything, hide, kept_in, request, rows


@pytest.fixture
def kept(tmp_path: Path):
    kept = kept_in(tmp_path)
    yield kept
    kept.close()


def again(kept: Conversations) -> Conversations:
    """Open the same file as a node that was started again."""
    kept.close()
    return kept_in(kept._store._database.path.parent)


# ---------------------------------------------------------------- which vault


async def test_later_turns_find_the_vault_of_the_first(kept: Conversations) -> None:
    first = await kept.open(request("hello"), "local", at(0))
    assert await kept.open(request("hello", "hi", "and now?"), "local", at(1)) is first
    assert await kept.open(request("good day"), "local", at(2)) is not first


async def test_a_name_is_a_conversation_and_callers_are_kept_apart(kept: Conversations) -> None:
    mine = await kept.open(request("a", name="x"), "local", at(0))
    assert await kept.open(request("b", name="x"), "local", at(0)) is mine
    assert await kept.open(request("a", name="x"), "island", at(0)) is not mine
    local = await kept.open(request("a"), "local", at(0))
    assert local is not await kept.open(request("a"), "island", at(0))


async def test_requests_at_the_same_time_share_one_vault(kept: Conversations) -> None:
    hide((await kept.open(request("a"), "local", at(0))).vault, "Anna Kern")
    await kept.keep(await kept.open(request("a"), "local", at(0)))
    kept = again(kept)
    opened = await asyncio.gather(*(kept.open(request("a"), "local", at(1)) for _ in range(20)))
    assert len({id(one) for one in opened}) == 1
    kept.close()


async def test_a_vault_in_use_is_found_again_although_the_cache_let_it_go(
    kept: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "IN_MEMORY_MAX", 2)
    running = await kept.open(request("a"), "local", at(0))
    for number in range(5):
        await kept.open(request(str(number)), "local", at(0))
    assert repr(kept) == "<Conversations 2 in memory, 0 not on disk>"
    assert await kept.open(request("a"), "local", at(0)) is running


# ---------------------------------------------------------------- after a restart


async def test_a_restart_changes_no_number(kept: Conversations) -> None:
    conversation = await kept.open(request("a"), "local", at(0))
    given = hide(conversation.vault, "Anna Kern", "Tom Reed", "Kern")
    await kept.keep(conversation)
    kept = again(kept)
    conversation = await kept.open(request("a", "b", "c"), "local", at(1))
    assert (
        hide(conversation.vault, "Anna Kern", "Tom Reed", "Kern")
        == given
        == ["[PERSON_1]", "[PERSON_2]", "[PERSON_1b]"]
    )
    assert hide(conversation.vault, "Eva Lind") == ["[PERSON_3]"]
    await kept.keep(conversation)
    kept = again(kept)
    conversation = await kept.open(request("a"), "local", at(2))
    assert list(conversation.vault.originals()) == [*given, "[PERSON_3]"]
    assert (await kept.open(request("other"), "local", at(2))).vault.originals() == {}
    kept.close()


async def test_what_is_new_is_on_the_disk_when_keep_returns(kept: Conversations) -> None:
    """Another reader of the file sees it, with nothing closed or flushed in between."""
    conversation = await kept.open(request("a"), "local", at(0))
    other = kept_in(kept._store._database.path.parent)
    for count, name in enumerate(("Anna Kern", "Tom Reed"), 1):
        hide(conversation.vault, name)
        await kept.keep(conversation)
        stored = other._store.load(conversation.name, 0)
        assert stored is not None
        assert stored.vault is not None
        assert len(stored.vault) == count
    other.close()


async def test_a_turn_without_new_values_writes_nothing(kept: Conversations) -> None:
    conversation = await kept.open(request("a"), "local", at(0))
    await kept.keep(conversation)
    assert rows(kept) == []
    hide(conversation.vault, "Anna Kern")
    await kept.keep(conversation)
    mark = conversation.mark
    await kept.keep(await kept.open(request("a"), "local", at(0.5)))
    assert conversation.mark == mark


async def test_keeping_many_at_once_loses_nothing(kept: Conversations) -> None:
    conversation = await kept.open(request("a"), "local", at(0))

    async def turn(number: int) -> None:
        hide(conversation.vault, f"Anna Kern{'abcdefghijklmnopqrst'[number]}")
        await kept.keep(conversation)

    await asyncio.gather(*(turn(number) for number in range(20)))
    kept = again(kept)
    assert len((await kept.open(request("a"), "local", at(1))).vault) == 20
    kept.close()


# ---------------------------------------------------------------- time to live


async def test_use_prolongs_life_and_disuse_ends_it(kept: Conversations) -> None:
    conversation = await kept.open(request("a"), "local", at(0))
    hide(conversation.vault, "Anna Kern")
    await kept.keep(conversation)
    for hours in (20, 40, 60):
        assert await kept.open(request("a"), "local", at(hours)) is conversation
        await kept.keep(conversation)
    assert rows(kept)[0][1] == (60 + 24) * HOUR_MS
    kept = again(kept)
    assert len((await kept.open(request("a"), "local", at(83))).vault) == 1
    kept = again(kept)
    late = await kept.open(request("a"), "local", at(84))
    assert len(late.vault) == 0, "what expired is not read, although no sweep has been"
    assert hide(late.vault, "Tom Reed") == ["[PERSON_1]"]
    await kept.keep(late)
    assert len(rows(kept)) == 1
    kept.close()


async def test_a_sweep_forgets_in_memory_and_on_disk(kept: Conversations, tmp_path: Path) -> None:
    for hours, name in ((0, "old"), (10, "new")):
        conversation = await kept.open(request(name), "local", at(hours))
        hide(conversation.vault, "Anna Kern")
        await kept.keep(conversation)
    sealed = [bytes(row[2]) for row in rows(kept)]
    await kept.sweep(at(24))
    assert len(rows(kept)) == 1
    assert repr(kept) == "<Conversations 1 in memory, 0 not on disk>"
    on_disk = everything(tmp_path)
    assert sealed[0][:200] not in on_disk, "not even the sealed form is left"
    assert sealed[1][:200] in on_disk
    await kept.sweep(at(48))
    assert rows(kept) == []


# ---------------------------------------------------------------- bounds


async def test_the_least_recently_used_make_room(
    kept: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "CONVERSATIONS_MAX", 3)
    for hours, name in enumerate(("a", "b", "c", "d", "e")):
        conversation = await kept.open(request(name), "local", at(hours))
        hide(conversation.vault, "Anna Kern")
        await kept.keep(conversation)
        assert len(rows(kept)) <= 3
    kept = again(kept)
    opened = {name: await kept.open(request(name), "local", at(5)) for name in "abcde"}
    held = [name for name, one in opened.items() if one.vault.originals()]
    assert held == ["c", "d", "e"]
    kept.close()


async def test_the_file_keeps_its_bound(
    kept: Conversations, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stores, "BYTES_MAX", 1_000_000)
    for hours in range(60):
        conversation = await kept.open(request(str(hours)), "local", at(hours / 10))
        hide(conversation.vault, "Anna " + "x" * 50_000)
        await kept.keep(conversation)
    assert 2 <= len(rows(kept)) <= 20
    assert (tmp_path / "conversations.db").stat().st_size < 1_200_000
    kept = again(kept)
    assert len((await kept.open(request("59"), "local", at(6))).vault) == 1
    kept.close()


async def test_a_vault_that_is_too_large_is_refused_and_nothing_is_written(kept: Conversations) -> None:
    conversation = await kept.open(request("a"), "local", at(0))
    hide(conversation.vault, "Anna Kern")
    await kept.keep(conversation)
    hide(conversation.vault, "x" * stores.VAULT_BYTES_MAX)
    for _ in range(2):
        with pytest.raises(PrivacyFault):
            await kept.keep(conversation)
    fresh = await kept.open(request("a"), "local", at(0))
    assert fresh is not conversation
    assert len(fresh.vault) == 1


# ---------------------------------------------------------------- secrecy


async def test_nothing_shows_what_a_conversation_holds(kept: Conversations) -> None:
    conversation = await kept.open(request("a secret word"), "local", at(0))
    hide(conversation.vault, "Anna Kern")
    await kept.keep(conversation)
    shown = f"{conversation!r} {conversation} {kept!r} {kept._store!r} {kept._store._seal!r}"
    for secret in ("Anna", "PERSON", "secret word", conversation.name.hex(), repr(conversation.name)):
        assert secret not in shown
    for one in (conversation, kept, kept._store, kept._store._seal):
        with pytest.raises(TypeError):
            pickle.dumps(one)


async def test_the_name_on_disk_needs_the_key(kept: Conversations, tmp_path: Path) -> None:
    conversation = await kept.open(request("a"), "local", at(0))
    other = Conversations(kept._store, b"m" * 32)
    assert (await other.open(request("a"), "local", at(0))).name != conversation.name
    other._disk.shutdown()
    assert (tmp_path / "conversations.db").stat().st_mode & 0o777 == 0o600
