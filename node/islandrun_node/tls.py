"""What this node shows in handshakes, and whom its mesh listener lets in.

The listener asks for its configuration at every handshake, on threads of C-core: a leaf is renewed and a join
token opened or spent without a restart. C-core keeps the configuration before when this one fails to load,
so everything is checked first. Who may call what is decided for each call, in `callers`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import grpc

from islandrun.errors import IslandRunError, StateError
from islandrun.trust.genesis import Genesis
from islandrun.vocabulary import PublicKey
from islandrun_node import world_clock
from islandrun_node.certificates import (
    LEAF_LIFE_MS,
    Shown,
    admitter_anchor,
    check_shown,
    join_anchor,
    owner_anchor,
    show_island,
)
from islandrun_node.identity import IslandKey
from islandrun_node.stores.tokens import OpenTokens

ROOTS_MAX = 80
"""A new connection took 10 ms with 100 roots and 600 ms with 1,000."""

JITTER = 0.1
_WATCH_SECONDS = 60.0

_log = logging.getLogger(__name__)


class TlsIdentity:
    """The leaf of one island, minted anew at half its life. Thread-safe."""

    def __init__(self, key: IslandKey, admission_der: bytes, genesis: Genesis) -> None:
        self._key = key
        self._admission_der = admission_der
        self._mesh_id = genesis.mesh_id
        self._lock = threading.Lock()
        self._jitter = world_clock.dice().uniform(-JITTER, JITTER)
        self._shown: Shown | None = None

    def shown(self, now_ms: int) -> Shown:
        """Return what to show now; the same object until it is renewed."""
        with self._lock:
            if self._shown is None or now_ms >= self._renew_at_ms(self._shown):
                self._shown = show_island(self._key, self._admission_der, self._mesh_id, now_ms)
            return self._shown

    def renew_admission(self, admission_der: bytes) -> None:
        """Take a newer admission certificate; the next handshake shows it."""
        with self._lock:
            if admission_der != self._admission_der:
                self._admission_der = admission_der
                self._shown = None

    async def watch(self, renewed: Callable[[], None]) -> None:
        """Call `renewed` whenever there is something new to show, until cancelled.

        A channel keeps what it was made with, so its user makes a new one then.
        """
        before = self.shown(world_clock.now().wall_ms)
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            shown = self.shown(world_clock.now().wall_ms)
            if shown is not before:
                before = shown
                renewed()

    def _renew_at_ms(self, shown: Shown) -> int:
        return shown.not_after_ms - round(LEAF_LIFE_MS / 2 * (1 + self._jitter))


class Listener:
    """The changing configuration of a mesh listener; `admitters` is called on other threads."""

    def __init__(
        self,
        identity: TlsIdentity,
        genesis: Genesis,
        tokens: OpenTokens,
        admitters: Callable[[], tuple[PublicKey, ...]] = tuple,
    ) -> None:
        self._identity = identity
        self._genesis = genesis
        self._tokens = tokens
        self._admitters = admitters
        self._lock = threading.Lock()
        self._current: tuple[Shown, bytes] | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that ask for a certificate of every caller."""
        initial = self.fetch()
        assert initial is not None
        return grpc.dynamic_ssl_server_credentials(
            initial,
            self.fetch,  # type: ignore[arg-type]  # None means "as before"; the stub leaves that out
            require_client_authentication=True,
        )

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration for the next handshake, or None when it is the one before."""
        now_ms = world_clock.now().wall_ms
        with self._lock:
            shown, roots = self._identity.shown(now_ms), self._roots(now_ms)
            if self._current is not None and self._current[0] is shown and self._current[1] == roots:
                return None
            try:
                check_shown(shown, roots)
            except IslandRunError as error:
                if self._current is None:
                    raise
                _log.error("the listener keeps its old certificate and roots: %s", error)
                return None
            self._current = shown, roots
        return grpc.ssl_server_certificate_configuration([(shown.key_pem, shown.chain_pem)], roots)

    def _roots(self, now_ms: int) -> bytes:
        try:
            tokens = self._tokens.open_tokens(now_ms)
        except StateError as error:
            _log.error("no join token is accepted now: %s", error)
            tokens = ()
        anchors = [owner_anchor(self._genesis.owner)]
        anchors += [admitter_anchor(key, self._genesis.mesh_id) for key in self._admitters()]
        anchors += [
            join_anchor(token.join_key, self._genesis.mesh_id, token.expires_at_ms) for token in tokens
        ]
        assert len(anchors) <= ROOTS_MAX
        return b"".join(anchors)
