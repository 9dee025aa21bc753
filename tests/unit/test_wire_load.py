"""A load on the wire: it comes back as it went, older versions are read, what is out of range is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.errors import MalformedMessage
from islandrun.load import PACES_MAX, Load, ModelPace
from islandrun.v1 import mesh_pb2
from islandrun.wire.limits import LOAD_MAX
from islandrun.wire.load import check_load, load_from_wire, load_to_wire

PACE = ModelPace("llama3.1:8b", 12, 200, 900, 30_000, 45_000, 150, 180_000, 28_000, 4_000)
FULL = Load(1, 2, 4, 210, 31_000, 400_000, 100_000, True, False, None, (PACE, replace(PACE, model="small")))


@pytest.mark.parametrize("load", [FULL, Load(0, 0, 0, 0, 0), Load(0, 0, 1, 0, 0, is_on_battery=False)])
def test_a_load_comes_back_as_it_went(load: Load) -> None:
    pb = mesh_pb2.Load.FromString(load_to_wire(load).SerializeToString())
    check_load(pb)
    assert load_from_wire(pb) == load


def test_what_an_older_version_does_not_tell_is_unknown() -> None:
    old = bytes([8, 1, 16, 2, 24, 4, 32, 200, 1, 40, 144, 78])
    pb = mesh_pb2.Load.FromString(old)
    check_load(pb)
    assert load_from_wire(pb) == Load(1, 2, 4, 200, 10_000)


@pytest.mark.parametrize(
    "pb",
    [
        mesh_pb2.Load(running=LOAD_MAX + 1),
        mesh_pb2.Load(cache_ppm=1_000_001),
        mesh_pb2.Load(headroom_ppm=1_000_001),
        mesh_pb2.Load(models=[mesh_pb2.ModelPace(model="m")] * (PACES_MAX + 1)),
        mesh_pb2.Load(models=[mesh_pb2.ModelPace(model="")]),
        mesh_pb2.Load(models=[mesh_pb2.ModelPace(model="a\x1b[2J")]),
        mesh_pb2.Load(models=[mesh_pb2.ModelPace(model="m" * 129)]),
        mesh_pb2.Load(models=[mesh_pb2.ModelPace(model="m", crowd_us=LOAD_MAX + 1)]),
    ],
)
def test_what_is_out_of_range_is_refused(pb: mesh_pb2.Load) -> None:
    with pytest.raises(MalformedMessage, match="load"):
        check_load(pb)


def test_a_writer_stays_within_what_a_reader_takes() -> None:
    wild = Load(
        -1, 10**12, 4, 0, 0, 2_000_000, -5, models=(replace(PACE, prefill_ns=10**12),) * (PACES_MAX + 5)
    )
    pb = load_to_wire(wild)
    check_load(pb)
    assert (pb.running, pb.waiting, pb.cache_ppm, pb.headroom_ppm) == (0, LOAD_MAX, 1_000_000, 0)
    assert len(pb.models) == PACES_MAX
