"""One vault for each conversation: placeholders stay the same from turn to turn and across restarts.

Two conversations never share a vault, so nobody can link their placeholders. New values are on the disk,
sealed, before a text that holds their placeholders leaves this machine. A vault that cannot be read back
is refused, never begun anew. A conversation that nobody touched for its time to live is forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakValueDictionary

from islandrun.errors import PrivacyFault, StateError
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import ChatRequest, Instant
from islandrun_node import world_clock
from islandrun_node.stores.conversations import NEW, ConversationStore

HOURS = 24.0
IN_MEMORY_MAX = 256
UNKEPT_MAX = 1_000
DISK_SECONDS_MAX = 10.0
SWEEP_SECONDS = 60.0
_TOUCHES_PER_LIFE = 24

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(slots=True, weakref_slot=True, eq=False)
class Conversation:
    """A conversation in memory; `kept` of its values are on the disk, under `mark`.

    Where `is_usable` is False its vault is lost: only full trust may see what is said in it.
    """

    name: bytes = field(repr=False)
    vault: Vault
    expires_at_ms: int
    mark: bytes = field(default=NEW, repr=False)
    kept: int = 0
    kept_until_ms: int = 0
    is_usable: bool = True

    def __str__(self) -> str:
        return self.name.hex()[:8]


class Conversations:
    """Gives each request the vault of its conversation, and keeps what is new in it.

    One thread does all reading and writing, in order, so that two requests of one conversation never
    write over each other. `naming_key` (32 bytes) must be the same after a restart.
    """

    def __init__(self, store: ConversationStore, naming_key: bytes, hours: float = HOURS) -> None:
        self._store = store
        self._key = naming_key
        self._life_ms = round(hours * 3_600_000)
        self._recent: OrderedDict[bytes, Conversation] = OrderedDict()
        self._unkept: OrderedDict[bytes, Conversation] = OrderedDict()
        self._live: WeakValueDictionary[bytes, Conversation] = WeakValueDictionary()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="conversations")

    def __repr__(self) -> str:
        return f"<Conversations {len(self._recent)} in memory, {len(self._unkept)} not on disk>"

    def degraded(self) -> tuple[str, ...]:
        """Say what is wrong, for the status; empty when nothing is."""
        if not self._unkept:
            return ()
        return (
            "the disk takes no vaults: conversations go on in memory, and a restart would number their "
            "placeholders anew; free space on it",
        )

    async def open(self, request: ChatRequest, caller: str, now: Instant) -> Conversation:
        """Return the conversation that this request continues, or a new one.

        Without a name of its own a conversation is known by its messages up to the first of the user,
        which every later turn repeats. `caller` keeps the conversations of clients apart.
        """
        name = self._name(request, caller)
        conversation = self._known(name, now.wall_ms)
        if conversation is None:
            loaded = await self._loaded(name, now.wall_ms)
            # Another request may have been faster; there is one vault for a conversation, never two.
            conversation = self._known(name, now.wall_ms) or loaded
        if conversation.is_usable:
            conversation.expires_at_ms = now.wall_ms + self._life_ms
        self._live[name] = self._recent[name] = conversation
        self._recent.move_to_end(name)
        while len(self._recent) > IN_MEMORY_MAX:
            self._recent.popitem(last=False)
        return conversation

    async def keep(self, conversation: Conversation) -> None:
        """Bring what is new to the disk; call it before a text with its placeholders leaves.

        A disk that takes nothing stops nobody: the vault stays in memory and `degraded` says so. Raises
        `PrivacyFault` when a number might be given twice: the vault is lost, another process wrote this
        conversation, it is too large, or memory is full of vaults that the disk does not take.
        """
        if not conversation.is_usable:
            raise PrivacyFault("the vault of this conversation is lost")
        if self._is_kept(conversation):
            return
        try:
            await self._off_loop(lambda: self._write(conversation))
        except PrivacyFault:
            self._refuse(conversation)
            raise
        except (StateError, TimeoutError) as error:
            self._hold(conversation, error)
        else:
            if self._unkept.pop(conversation.name, None) and not self._unkept:
                _log.warning("the disk takes vaults again")

    async def sweep(self, now: Instant) -> None:
        """Forget what has expired, in memory and on disk, and try again to write what the disk refused."""
        for held in (self._recent, self._unkept):
            for name in [name for name, one in held.items() if one.expires_at_ms <= now.wall_ms]:
                del held[name]
        try:
            while await self._off_loop(lambda: self._store.sweep(now.wall_ms)):
                pass
            for conversation in tuple(self._unkept.values()):
                await self.keep(conversation)
        except (StateError, PrivacyFault, TimeoutError) as error:
            _log.error("old conversations could not be tidied: %s", error)

    async def run(self) -> None:
        """Sweep now and then, for as long as the node runs."""
        while True:
            await self.sweep(world_clock.now())
            await asyncio.sleep(SWEEP_SECONDS)

    def close(self) -> None:
        """Stop; a write that has begun is finished."""
        self._disk.shutdown(wait=False, cancel_futures=True)
        self._store.close()

    def _name(self, request: ChatRequest, caller: str) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=16)
        parts = [caller]
        if request.conversation:
            parts += ["named", request.conversation]
        else:
            for message in request.prompt.messages:
                parts += [message.role, message.text]
                if message.role == "user":
                    break
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return digest.digest()

    def _known(self, name: bytes, now_ms: int) -> Conversation | None:
        conversation = self._live.get(name)
        return conversation if conversation and conversation.expires_at_ms > now_ms else None

    async def _loaded(self, name: bytes, now_ms: int) -> Conversation:
        """Return a conversation as the disk has it; a fault gives one that is not usable."""
        try:
            stored = await self._off_loop(lambda: self._store.load(name, now_ms))
        except (StateError, TimeoutError) as error:
            lost = Conversation(name, Vault(), now_ms, is_usable=False)
            _log.error("conversation %s cannot be read (%s); it is restricted", lost, error)
            return lost
        if stored is None:
            return Conversation(name, Vault(), now_ms)
        if stored.vault is None:
            until_ms = min(stored.expires_at_ms, now_ms + self._life_ms)
            lost = Conversation(name, Vault(), until_ms, is_usable=False)
            _log.error("the vault of conversation %s does not open; it is restricted", lost)
            return lost
        return Conversation(name, stored.vault, now_ms, stored.mark, len(stored.vault), stored.expires_at_ms)

    def _is_kept(self, conversation: Conversation) -> bool:
        """Say whether the disk has all values, and nearly the right expiry: not every turn is a write."""
        if len(conversation.vault) == 0:
            return True
        late_ms = conversation.expires_at_ms - conversation.kept_until_ms
        return conversation.kept == len(conversation.vault) and late_ms < self._life_ms / _TOUCHES_PER_LIFE

    def _write(self, conversation: Conversation) -> None:
        """Write a conversation; only the one thread of the disk comes here."""
        if self._is_kept(conversation):
            return
        entries, until_ms = conversation.vault.entries(), conversation.expires_at_ms
        conversation.mark = self._store.save(conversation.name, entries, conversation.mark, until_ms)
        conversation.kept, conversation.kept_until_ms = len(entries), until_ms

    def _hold(self, conversation: Conversation, error: Exception) -> None:
        """Hold what the disk does not take in memory, for no number may be given twice."""
        if conversation.name not in self._unkept and len(self._unkept) >= UNKEPT_MAX:
            self._refuse(conversation)
            raise PrivacyFault(f"the disk takes no vaults and {UNKEPT_MAX} wait in memory already")
        if not self._unkept:
            why = str(error) or "no answer in time"
            _log.error("vaults cannot be written: %s; conversations go on in memory", why)
        self._unkept[conversation.name] = conversation

    def _refuse(self, conversation: Conversation) -> None:
        """Let go of a conversation whose state is in doubt; the next request reads it anew."""
        conversation.is_usable = False
        for held in (self._live, self._recent, self._unkept):
            if held.get(conversation.name) is conversation:
                del held[conversation.name]
        _log.error("conversation %s is in doubt; this request is restricted", conversation)

    async def _off_loop(self, work: Callable[[], _T]) -> _T:
        async with asyncio.timeout(DISK_SECONDS_MAX):
            return await asyncio.get_running_loop().run_in_executor(self._disk, work)
