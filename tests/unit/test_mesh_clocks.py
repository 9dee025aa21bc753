"""Our clock, judged by the others': the median decides, and few or lying clocks prove nothing."""

import pytest

from islandrun.mesh import pace
from islandrun.mesh.clocks import Clocks, ClockState

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("offsets_ms", "state"),
    [
        ([], ClockState.RIGHT),
        ([59_000, -59_000, 3], ClockState.RIGHT),
        ([2 * MINUTE_MS], ClockState.DOUBTFUL),
        ([10 * MINUTE_MS], ClockState.DOUBTFUL),
        ([2 * MINUTE_MS, 2 * MINUTE_MS], ClockState.DOUBTFUL),
        ([10 * MINUTE_MS, 10 * MINUTE_MS], ClockState.WRONG),
        ([-10 * MINUTE_MS, -10 * MINUTE_MS, 0], ClockState.WRONG),
        ([10 * MINUTE_MS, 0], ClockState.RIGHT),
        ([10 * MINUTE_MS, 10 * MINUTE_MS, 0, 0], ClockState.RIGHT),
        ([30 * 24 * 60 * MINUTE_MS] * 3, ClockState.WRONG),
    ],
)
def test_the_others_clocks_judge_ours(offsets_ms: list[int], state: ClockState) -> None:
    clocks = Clocks()
    for number, offset_ms in enumerate(offsets_ms):
        clocks.heard(f"i{number}", offset_ms)
    assert clocks.state() is state


def test_one_island_has_one_clock_and_the_oldest_measures_go() -> None:
    clocks = Clocks()
    for _ in range(10):
        clocks.heard("liar", 10 * MINUTE_MS)
    clocks.heard("honest", 0)
    assert clocks.state() is ClockState.RIGHT
    for number in range(pace.CLOCKS_MAX):
        clocks.heard(f"i{number}", 10 * MINUTE_MS)
    assert clocks.state() is ClockState.WRONG
    assert clocks.offset_ms() == 10 * MINUTE_MS
    clocks.forget()
    assert clocks.state() is ClockState.RIGHT
