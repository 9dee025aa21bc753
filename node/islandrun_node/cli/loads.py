"""The load of an island for people and as JSON; what nobody knows is left out or null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from islandrun.v1 import mesh_pb2, status_pb2

PPM: Final = 1_000_000
_MAYBE: Final = ("is_on_battery", "is_metered", "is_throttled")


def load_words(island: status_pb2.Island) -> str:
    """Write a load short: "1/4 +2" is one of four places taken and two waiting; "-" is not known."""
    if not island.HasField("load"):
        return "-"
    load = island.load
    waiting = f" +{load.waiting}" if load.waiting else ""
    return f"{load.running}/{load.requests_max}{waiting}" if load.requests_max else "closed"


def machine_words(load: mesh_pb2.Load) -> str:
    """Say how busy an island is and how its machine fares, in one line."""
    parts = [f"{load.running} of {load.requests_max} running, {load.waiting} waiting"]
    if load.HasField("headroom_ppm"):
        parts.append(f"{load.headroom_ppm * 100 // PPM} % of the machine free")
    for name, words in (("is_on_battery", "on battery"), ("is_metered", "metered"), ("is_throttled", "hot")):
        if getattr(load, name):
            parts.append(words)
    return ", ".join(parts)


def load_json(island: status_pb2.Island | status_pb2.MeshStatus) -> dict[str, object] | None:
    """Return a load as the JSON that commands print; times are milliseconds, speeds tokens a second."""
    if not island.HasField("load"):
        return None
    load = island.load
    return {
        "running": load.running,
        "waiting": load.waiting,
        "places": load.requests_max,
        "headroom": load.headroom_ppm / PPM if load.HasField("headroom_ppm") else None,
        "cache": load.cache_ppm / PPM if load.HasField("cache_ppm") else None,
        **{name: getattr(load, name) if load.HasField(name) else None for name in _MAYBE},
        "models": [_pace_json(pace) for pace in load.models],
    }


def _pace_json(pace: mesh_pb2.ModelPace) -> dict[str, object]:
    return {
        "model": pace.model,
        "answers": pace.samples,
        "first_token_ms": {"p50": pace.first_token_p50_ms, "p95": pace.first_token_p95_ms},
        "tokens_per_second": {"p50": _speed(pace.token_p50_us), "p95": _speed(pace.token_p95_us)},
    }


def _speed(token_us: int) -> float | None:
    return round(PPM / token_us, 1) if token_us else None
