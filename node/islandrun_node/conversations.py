"""One vault for each conversation, in memory only: placeholders stay the same from turn to turn.

Two conversations never share a vault, so nobody can link their placeholders. A conversation that
nobody touched for `TTL_SECONDS` is forgotten; so is the oldest when there are too many.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

from islandrun.privacy.vault import Vault
from islandrun.vocabulary import ChatRequest

CONVERSATIONS_MAX = 10_000
TTL_SECONDS = 24 * 3600.0


class Conversations:
    """Conversation -> vault, least recently used first."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._vaults: OrderedDict[bytes, tuple[float, Vault]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Conversations {len(self._vaults)}>"

    def vault(self, request: ChatRequest, caller: str, now_seconds: float) -> Vault:
        """Return the vault of the conversation that this request continues, or a new one.

        Without a name of its own a conversation is known by its messages up to the first of the
        user, which every later turn repeats. `caller` keeps the conversations of clients apart.
        """
        self._forget(now_seconds)
        name = self._name(request, caller)
        known = self._vaults.pop(name, None)
        vault = Vault() if known is None else known[1]
        self._vaults[name] = (now_seconds, vault)
        if len(self._vaults) > CONVERSATIONS_MAX:
            self._vaults.popitem(last=False)
        return vault

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

    def _forget(self, now_seconds: float) -> None:
        while self._vaults:
            name, (touched, _) = next(iter(self._vaults.items()))
            if now_seconds - touched < TTL_SECONDS:
                return
            del self._vaults[name]
