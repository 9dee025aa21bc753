"""Probes against trees of files, programs and a GPU library that are given to them; unknown stays unknown."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from islandrun.load import Machine
from islandrun_node.probes.graphics import GpuProbe, Graphics, installed
from islandrun_node.probes.heat import Heat
from islandrun_node.probes.network import is_metered, read_answer
from islandrun_node.probes.power import Power, power
from islandrun_node.probes.watch import UNKNOWN, Probes, Watch


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    return folder


BATTERY = {"BAT0/type": "Battery", "BAT0/status": "Discharging", "BAT0/capacity": "63", "BAT0/present": "1"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, Power()),
        (BATTERY, Power(True, 630_000)),
        (BATTERY | {"AC/type": "Mains", "AC/online": "0"}, Power(True, 630_000)),
        (BATTERY | {"AC/type": "Mains", "AC/online": "1"}, Power(False, 630_000)),
        (BATTERY | {"BAT0/status": "Full", "BAT0/capacity": "100"}, Power(False, 1_000_000)),
        (BATTERY | {"BAT0/status": "Unknown"}, Power(None, 630_000)),
        (BATTERY | {"BAT0/status": "Unknown", "AC/type": "Mains", "AC/online": "0"}, Power(True, 630_000)),
        (BATTERY | {"BAT1/type": "Battery", "BAT1/capacity": "37"}, Power(True, 500_000)),
        ({"AC/type": "Mains", "AC/online": "1"}, Power(False, None)),
        ({"AC/type": "Mains", "AC/online": "0"}, Power(None, None)),
        ({f"mouse/{name[5:]}": text for name, text in BATTERY.items()} | {"mouse/scope": "Device"}, Power()),
        (BATTERY | {"BAT0/present": "0"}, Power()),
        (BATTERY | {"BAT0/capacity": "full"}, Power(True, None)),
    ],
)
def test_what_feeds_the_machine(tmp_path: Path, files: dict[str, str], expected: Power) -> None:
    assert power(tree(tmp_path, files), "linux") == expected


def test_a_machine_without_such_files_tells_nothing(tmp_path: Path) -> None:
    assert power(tmp_path / "absent", "linux") == Power()
    assert Heat(tmp_path / "absent").is_throttled() is None


ZONE = {
    "class/thermal/thermal_zone0/temp": "61000",
    "class/thermal/thermal_zone0/trip_point_0_type": "critical",
    "class/thermal/thermal_zone0/trip_point_0_temp": "105000",
    "class/thermal/thermal_zone0/trip_point_1_type": "passive",
    "class/thermal/thermal_zone0/trip_point_1_temp": "95000",
    "class/thermal/thermal_zone0/trip_point_2_type": "active",
    "class/thermal/thermal_zone0/trip_point_2_temp": "40000",
}


def test_a_zone_past_its_point_is_throttled(tmp_path: Path) -> None:
    heat = Heat(tree(tmp_path, ZONE))
    assert heat.is_throttled() is False
    tree(tmp_path, {"class/thermal/thermal_zone0/temp": "95000"})
    assert heat.is_throttled() is True
    tree(tmp_path, {"class/thermal/thermal_zone0/temp": "hot"})
    assert heat.is_throttled() is None


def test_counters_tell_of_the_time_between_two_looks(tmp_path: Path) -> None:
    counter = "devices/system/cpu/cpu1/thermal_throttle/core_throttle_count"
    heat = Heat(tree(tmp_path, {counter: "7"}))
    assert [heat.is_throttled(), heat.is_throttled()] == [None, False]
    tree(tmp_path, {counter: "9"})
    assert [heat.is_throttled(), heat.is_throttled()] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GENERAL.STATE:100 (connected)\nGENERAL.METERED:yes (guessed)\n", True),
        ("GENERAL.STATE:100 (connected)\nGENERAL.METERED:no (guessed)\n", False),
        ("GENERAL.STATE:100 (connected)\nGENERAL.METERED:unknown\n", None),
        ("GENERAL.STATE:30 (disconnected)\nGENERAL.METERED:yes\n", None),
        (
            "GENERAL.STATE:100 (connected)\nGENERAL.METERED:no\n\n"
            "GENERAL.STATE:100 (connected)\nGENERAL.METERED:yes\n",
            True,
        ),
        ("", None),
        ("rubbish\n\n:::", None),
    ],
)
def test_what_networkmanager_says(text: str, expected: bool | None) -> None:
    assert read_answer(text) is expected


def test_a_program_that_is_absent_fails_or_answers(tmp_path: Path) -> None:
    assert is_metered((str(tmp_path / "nmcli"),)) is None
    assert is_metered((sys.executable, "-c", "raise SystemExit(8)")) is None
    answer = "print('GENERAL.STATE:100 (connected)'); print('GENERAL.METERED:yes')"
    assert is_metered((sys.executable, "-c", answer)) is True


class NvmlFailed(Exception):
    """What the library raises."""


def nvml(gpus: list[tuple[int, int, int]], has_driver: bool = True) -> SimpleNamespace:
    """Return a library with GPUs of (percent busy, percent of memory, throttle reasons)."""

    def init() -> None:
        if not has_driver:
            raise NvmlFailed

    def reasons(gpu: int) -> int:
        if gpus[gpu][2] < 0:
            raise NvmlFailed
        return gpus[gpu][2]

    return SimpleNamespace(
        NVMLError=NvmlFailed,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(gpus),
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=gpus[gpu][0]),
        nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(
            total=80 << 30, used=gpus[gpu][1] * (80 << 30) // 100
        ),
        nvmlDeviceGetCurrentClocksThrottleReasons=reasons,
    )


def test_the_busiest_gpu_counts_and_what_one_does_not_tell_is_left_out() -> None:
    assert GpuProbe(None).read() == Graphics()
    assert GpuProbe(nvml([], has_driver=False)).read() == Graphics()
    assert GpuProbe(nvml([])).read() == Graphics()
    assert GpuProbe(nvml([(20, 50, 0), (90, 10, 4)])).read() == Graphics(2, 900_000, 500_000, False)
    assert GpuProbe(nvml([(20, 50, 0x40), (90, 10, -1)])).read().is_throttled is True
    assert GpuProbe(nvml([(20, 50, -1)])).read().is_throttled is None


def test_the_library_that_is_installed_here_is_asked_and_does_not_break() -> None:
    probe = GpuProbe(installed())
    found = probe.read()
    assert (found.gpu_ppm is None) == (found.gpus == 0)
    probe.close()


def test_all_probes_together(tmp_path: Path) -> None:
    supplies = tree(tmp_path / "supplies", BATTERY)
    system = tree(tmp_path / "system", ZONE)
    asked: list[bool] = []

    def ask() -> bool:
        asked.append(True)
        return False

    probes = Probes(ask, supplies, system, GpuProbe(nvml([(20, 50, 0)])))
    for _ in range(3):
        machine = probes.read()
    assert asked == [True], "NetworkManager is asked rarely"
    assert machine.memory_ppm is not None
    assert 0 < machine.memory_ppm < 1_000_000
    assert machine.cpu_ppm is not None
    assert (machine.is_on_battery, machine.battery_ppm) == (power(supplies).is_on_battery, 630_000)
    assert (machine.is_metered, machine.is_throttled) == (False, False)
    assert machine.headroom_ppm is not None
    assert machine.headroom_ppm <= 500_000


async def test_a_probe_that_hangs_makes_things_unknown_and_holds_up_nobody() -> None:
    hangs, begun = threading.Event(), []

    def read() -> Machine:
        begun.append(1)
        if len(begun) == 2:
            hangs.wait()
        return Machine(cpu_ppm=len(begun))

    watch = Watch(read, seconds_max=0.05)
    await watch.look()
    assert watch.machine == Machine(cpu_ppm=1)
    for _ in range(3):
        await asyncio.wait_for(watch.look(), 5)
        assert watch.machine == UNKNOWN
    assert len(begun) == 2, "nothing is started beside the probe that hangs"
    hangs.set()
    for _ in range(100):
        await watch.look()
        if watch.machine != UNKNOWN:
            break
        await asyncio.sleep(0.01)
    assert watch.machine.cpu_ppm == 3
    watch.close()
