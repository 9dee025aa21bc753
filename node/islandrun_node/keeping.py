"""What the mesh taught us, on the disk; one that takes nothing must not keep us from acting on it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial

from islandrun.errors import StateError
from islandrun.trust.signing import SignedAttestation
from islandrun_node.stores.attestations import AttestationStore

UNWRITTEN_MAX = 8192
"""Statements that wait for the disk; gossip brings again what does not fit."""

_log = logging.getLogger(__name__)


class Keeping:
    """Writes statements and proofs in the order in which they came, at once or when the disk takes them."""

    def __init__(self, store: AttestationStore) -> None:
        self._store = store
        self._unwritten: deque[Callable[[], None]] = deque(maxlen=UNWRITTEN_MAX)
        self._complaint = ""

    def statement(self, signed: SignedAttestation) -> None:
        """Keep a statement."""
        self._keep(partial(self._store.save, signed))

    def proof(self, first: SignedAttestation, second: SignedAttestation) -> None:
        """Keep the proof that a key contradicts itself."""
        self._keep(partial(self._store.save_equivocation, first, second))

    def write_again(self) -> None:
        """Write what the disk did not take. Raises `StateError` while it still takes nothing."""
        while self._unwritten:
            self._unwritten[0]()
            self._unwritten.popleft()

    def complain(self, error: StateError) -> None:
        """Log a fault of the disk, once for each kind."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            _log.error("%s; the node goes on with what it knows, and tries again", error)

    def _keep(self, write: Callable[[], None]) -> None:
        if not self._unwritten:
            try:
                write()
                return
            except StateError as error:
                self.complain(error)
        self._unwritten.append(write)
