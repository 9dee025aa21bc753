"""How other islands reach this one now: at addresses, over relays, or both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from islandrun.mesh.relays import RelayPolicy
from islandrun.vocabulary import IslandId, IslandView, PublicKey
from islandrun_node.config_tables import Config
from islandrun_node.relay.attachments import Attachments
from islandrun_node.relay.process import RelayProcess
from islandrun_node.statements import Doors, addresses
from islandrun_node.ways import Opener

LOOK_SECONDS = 0.1
TELL_SECONDS_MIN = 1.0
"""A relay that comes and goes is told of no faster."""

_ANY_TO_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared, not bound


@dataclass(slots=True)
class Reach:
    """What the settings ask for, and what there is of it; `through`: over which relay we reach whom now."""

    config: Config
    relay: RelayProcess | None
    mesh_port: int = 0
    attachments: Attachments | None = None
    through: dict[IslandId, IslandId] = field(default_factory=dict)

    def attach(
        self,
        open_channel: Opener,
        offers: Callable[[], Iterable[IslandView]],
        mesh_address: str,
        expected: Callable[[], Mapping[PublicKey, int]],
    ) -> None:
        """Take in where the mesh listener is bound; `run` uses relays if the settings say so.

        `expected` are the open join tokens of this home, whose holders may come over a relay too.
        """
        self.mesh_port = int(mesh_address.rpartition(":")[2])
        if self._wants_relays:
            own_address = _from_here(mesh_address)
            self.attachments = Attachments(open_channel, offers, self.policy, own_address, expected)

    @property
    def policy(self) -> RelayPolicy:
        """Who may carry our calls, in both directions."""
        return RelayPolicy(self.config.relay.through)

    @property
    def _wants_relays(self) -> bool:
        """With "auto", an island that says itself where it can be dialled needs none."""
        listen = self.config.listen
        has_addresses = bool(listen.advertise) or self.config.relay.serve
        return listen.reachable == "relayed" or (listen.reachable == "auto" and not has_addresses)

    def doors(self) -> Doors:
        """Return what a statement tells of it now."""
        listen, relay = self.config.listen, self.config.relay
        is_dialled = listen.reachable != "relayed"
        port = self.relay.port if self.relay is not None else 0
        return Doors(
            endpoints=addresses(listen.advertise, listen.mesh, self.mesh_port) if is_dialled else (),
            relays=self.attachments.relays if self.attachments is not None else (),
            relay_endpoints=addresses(relay.advertise, relay.listen, port) if port else (),
        )

    def own_relay(self) -> tuple[str, ...]:
        """Return where this node itself dials its own relay."""
        if self.relay is None or not self.relay.address:
            return ()
        return (_from_here(self.relay.address),)

    def names(self) -> tuple[str, ...]:
        """Return the names of the relays that carry calls to this node now."""
        return self.attachments.names if self.attachments is not None else ()

    def degraded(self) -> tuple[str, ...]:
        """Say when nobody can reach this node, in words."""
        is_alone = self.config.listen.reachable == "relayed" and self.mesh_port and not self.names()
        return ("no relay carries calls to this island; see [relay] in its settings",) if is_alone else ()

    async def run(self, tell: Callable[[], object]) -> None:
        """Stay attached to relays, and call `tell` when the doors have changed, until cancelled."""
        chores = [asyncio.create_task(self._tell(tell))]
        if self.attachments is not None:
            chores.append(asyncio.create_task(self.attachments.run()))
        try:
            await asyncio.gather(*chores)
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)

    async def _tell(self, tell: Callable[[], object]) -> None:
        told = self._changing()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if (now := self._changing()) != told:
                told = now
                tell()
                await asyncio.sleep(TELL_SECONDS_MIN)

    def _changing(self) -> tuple[tuple[str, ...], int]:
        return self.names(), self.relay.port if self.relay is not None else 0


def _from_here(bound: str) -> str:
    """Return where this machine itself dials what is bound at an address."""
    host, _, port = bound.rpartition(":")
    return f"{_ANY_TO_LOOPBACK.get(host, host)}:{port}"
