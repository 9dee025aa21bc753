"""When a mesh has healed: everybody reaches everybody, and all hold the same."""

from __future__ import annotations

from collections.abc import Collection

from islandrun.simulation.islands import Island
from islandrun.simulation.liars import Liar
from islandrun.simulation.world import World
from islandrun.trust.ledger import Ledger, record_key
from islandrun.trust.naming import island_id
from islandrun.vocabulary import IslandId, PublicKey, Reachability


def disagreement(world: World) -> str:
    """Return what still keeps the honest islands from agreement, or "" when nothing does.

    Who is revoked takes no part: nobody need reach it, and nobody tells it anything.
    """
    barred = {barred for island in world.honest() for barred in island.ledger.revoked()}
    members = [island for island in world.honest() if island.id not in barred]
    for island in members:
        word = _lacks(world, island, members, barred)
        if word:
            return word
    gang = [island.pen.public for island in world.islands.values() if isinstance(island, Liar)]
    shared = {island.name: shared_versions(island.ledger, gang) for island in members}
    first = members[0].name
    differing = [name for name, versions in shared.items() if versions != shared[first]]
    return f"{first} and {differing[0]} hold different statements" if differing else ""


def shared_versions(ledger: Ledger, but: Collection[PublicKey] = ()) -> dict[bytes, tuple[int, int, bytes]]:
    """Return the versions of what a ledger shares: not what waits for an admission, and not what `but` say.

    Liars say something new all the time, and more than there is room for.
    """
    versions = ledger.versions()
    return {
        key: versions[key]
        for key, signed in zip(sorted(versions), ledger.records(), strict=True)
        if signed.issuer not in but
        and (signed.kind != "self" or ledger.admission(island_id(signed.issuer)) is not None)
    }


def knows_newest(observer: Island, other: Island) -> bool:
    """Say whether an island holds the newest statement that another one made of itself."""
    key = record_key(other.pen.public, other.pen.public, "self", 0)
    return other.newest is not None and observer.ledger.record(key) == other.newest


def _lacks(world: World, island: Island, members: list[Island], barred: set[IslandId]) -> str:
    assert island.mesh is not None, "an honest island that counts runs"
    missing = barred.difference(island.ledger.revoked())
    if missing:
        return f"{island.name} has not heard that {min(missing)[:8]} is revoked"
    now = world.now_at(island)
    for other in members:
        if other is not island and not knows_newest(island, other):
            return f"{island.name} does not know the newest of {other.name}"
        state = island.mesh.reachability(other.id, now)
        if state not in (Reachability.ALIVE, Reachability.AWAY):
            return f"{island.name} finds {other.name} {state.name.lower()}"
    return ""
