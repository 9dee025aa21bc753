"""A load as it travels: checked when it comes, bounded when it goes."""

from __future__ import annotations

from typing import Final

from islandrun.load import PACES_MAX, Load, ModelPace
from islandrun.v1 import mesh_pb2
from islandrun.wire import limits
from islandrun.wire.checks import require, require_count

_PPM_MAX: Final = 1_000_000
_WHERE: Final = "load"
_FIGURES: Final = ("running", "waiting", "requests_max", "first_token_ms", "token_us")
_SHARES: Final = ("cache_ppm", "headroom_ppm")
_ANSWERS: Final = ("is_on_battery", "is_metered", "is_throttled")
_PACE_FIGURES: Final = (
    "samples", "first_token_p50_ms", "first_token_p95_ms", "token_p50_us", "token_p95_us",
    "base_ms", "prefill_ns", "token_us", "crowd_us",
)  # fmt: skip


def check_load(load: mesh_pb2.Load) -> None:
    """Refuse a load outside the limits. Raises `MalformedMessage`."""
    require(_highest(load, _FIGURES) <= limits.LOAD_MAX, _WHERE, "has a figure out of range")
    require(_highest(load, _SHARES) <= _PPM_MAX, _WHERE, "has a share above 1")
    require_count(load.models, PACES_MAX, _WHERE)
    for pace in load.models:
        name = pace.model
        is_name = 0 < len(name) <= limits.MODEL_NAME_CHARACTERS_MAX and name.isprintable()
        require(is_name, _WHERE, "names a model in a way that no offer does")
        require(_highest(pace, _PACE_FIGURES) <= limits.LOAD_MAX, _WHERE, "has a pace out of range")


def load_from_wire(load: mesh_pb2.Load) -> Load:
    """Read a load that passed `check_load`; what an older version does not tell is unknown."""
    figures = {name: getattr(load, name) for name in _FIGURES}
    known = {name: getattr(load, name) for name in (*_SHARES, *_ANSWERS) if load.HasField(name)}
    return Load(**figures, **known, models=tuple(map(_pace_from_wire, load.models)))


def load_to_wire(load: Load) -> mesh_pb2.Load:
    """Return a load as it travels, each figure cut to what a reader takes."""
    pb = mesh_pb2.Load(models=[_pace_to_wire(pace) for pace in load.models[:PACES_MAX]])
    for name in _FIGURES:
        setattr(pb, name, _cut(getattr(load, name), limits.LOAD_MAX))
    for name in _SHARES:
        share = getattr(load, name)
        if share is not None:
            setattr(pb, name, _cut(share, _PPM_MAX))
    for name in _ANSWERS:
        answer = getattr(load, name)
        if answer is not None:
            setattr(pb, name, answer)
    return pb


def _pace_from_wire(pace: mesh_pb2.ModelPace) -> ModelPace:
    return ModelPace(pace.model, **{name: getattr(pace, name) for name in _PACE_FIGURES})


def _pace_to_wire(pace: ModelPace) -> mesh_pb2.ModelPace:
    figures = {name: _cut(getattr(pace, name), limits.LOAD_MAX) for name in _PACE_FIGURES}
    return mesh_pb2.ModelPace(model=pace.model, **figures)


def _highest(message: mesh_pb2.Load | mesh_pb2.ModelPace, names: tuple[str, ...]) -> int:
    figures: list[int] = [getattr(message, name) for name in names]
    return max(figures)


def _cut(figure: int, figure_max: int) -> int:
    return max(0, min(figure, figure_max))
