"""Saying nothing old: after a restore a node hears what it said since, and speaks above it.

A statement below one that others hold would not be heard, and one beside it, of the same sequence, would
prove that this island contradicts itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.statements import SelfDescription, slot
from islandrun_node.stores.attestations import AttestationStore

PEERS_ASKED = 3
SECONDS_MAX = 15.0
POLL_SECONDS = 0.1
COMPARE_SECONDS = 2.0
"""How long two tables may take to be compared after the first answer."""

_log = logging.getLogger(__name__)


async def hear_others(driver: MeshDriver) -> None:
    """Wait until three islands, or as many as there are, have answered and told us what we lack.

    Ends after `SECONDS_MAX` in any case: an island that nobody answers goes on by its clock.
    """
    for _ in range(round(SECONDS_MAX / POLL_SECONDS)):
        if driver.has_heard(PEERS_ASKED):
            break
        await asyncio.sleep(POLL_SECONDS)
    else:
        _log.warning("few islands answer after the restore; this one goes on by its clock")
    if driver.answered:
        await asyncio.sleep(COMPARE_SECONDS)


def is_overtaken(islands: Sequence[SelfDescription], ledger: Ledger, store: AttestationStore) -> bool:
    """Say whether the mesh holds something newer of one of our islands than we know to have said."""
    for island in islands:
        claims = ledger.self_claims(island_id(island.key))
        if claims is not None and claims.header.sequence > store.last_sequence(slot(island.key)):
            return True
    return False
