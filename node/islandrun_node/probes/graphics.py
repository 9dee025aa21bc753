"""NVIDIA GPUs by NVML, where the extra `islandrun[nvidia]` and a driver are there; the busiest GPU counts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

GPUS_MAX: Final = 64
_HEAT: Final = 0x20 | 0x40
"""nvmlClocksThrottleReasonSwThermalSlowdown and HwThermalSlowdown."""


class _Rates(Protocol):
    gpu: int


class _Memory(Protocol):
    total: int
    used: int


class Nvml(Protocol):
    """What is used of the module `pynvml`, under its own names."""

    nvmlInit: Callable[[], None]  # noqa: N815
    nvmlShutdown: Callable[[], None]  # noqa: N815
    nvmlDeviceGetCount: Callable[[], int]  # noqa: N815
    nvmlDeviceGetHandleByIndex: Callable[[int], object]  # noqa: N815
    nvmlDeviceGetUtilizationRates: Callable[[object], _Rates]  # noqa: N815
    nvmlDeviceGetMemoryInfo: Callable[[object], _Memory]  # noqa: N815
    nvmlDeviceGetCurrentClocksThrottleReasons: Callable[[object], int]  # noqa: N815
    NVMLError: type[Exception]


@dataclass(frozen=True, slots=True)
class Graphics:
    """What the GPUs of a machine do; None: unknown, or there are none."""

    gpus: int = 0
    gpu_ppm: int | None = None
    memory_ppm: int | None = None
    is_throttled: bool | None = None


def installed() -> Nvml | None:
    """Return the module of NVML; None when the extra is not installed."""
    try:
        module: Nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    return module


class GpuProbe:
    """Opens NVML once and reads all GPUs. Without NVML or a driver it knows of no GPU."""

    def __init__(self, nvml: Nvml | None) -> None:
        self._nvml = nvml
        self._gpus: list[object] = []
        self._is_open = False

    def read(self) -> Graphics:
        """Return the figures of this moment; opening is tried again when it failed."""
        if self._nvml is None:
            return Graphics()
        try:
            self._open(self._nvml)
        except self._nvml.NVMLError:
            return Graphics()
        rates = self._each(lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu * 10_000)
        memory = self._each(_memory_ppm)
        heat = self._each(lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu) & _HEAT)
        return Graphics(
            gpus=len(self._gpus),
            gpu_ppm=max(rates, default=None),
            memory_ppm=max(memory, default=None),
            is_throttled=any(heat) if heat else None,
        )

    def close(self) -> None:
        """Close NVML."""
        if self._nvml is not None and self._is_open:
            self._nvml.nvmlShutdown()
            self._is_open = False

    def _open(self, nvml: Nvml) -> None:
        if not self._is_open:
            nvml.nvmlInit()
            self._is_open = True
            count = min(nvml.nvmlDeviceGetCount(), GPUS_MAX)
            self._gpus = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)]

    def _each(self, read: Callable[[Nvml, object], int]) -> list[int]:
        """Read one thing of every GPU; those that do not tell it are left out."""
        nvml = self._nvml
        assert nvml is not None
        found = []
        for gpu in self._gpus:
            try:
                found.append(read(nvml, gpu))
            except nvml.NVMLError:
                continue
        return found


def _memory_ppm(nvml: Nvml, gpu: object) -> int:
    memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
    return memory.used * 1_000_000 // max(memory.total, 1)
