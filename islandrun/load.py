"""How busy an island is, how fast its models have been, and how the machine under it fares.

All of it is first-hand: measured where it happens, told to who asks, alive for ten seconds, never signed,
stored or forwarded. `None` means that nobody knows, which is never the same as 0 or no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PACES_MAX: Final = 16
"""A load tells the pace of so many models, those that answered last."""


@dataclass(frozen=True, slots=True)
class ModelPace:
    """How fast one model on one island has been, recent answers counting more.

    The quantiles are what was measured. The other four are what was learnt from it: the first token comes
    after `base_ms` and `prefill_ns` for each token of the prompt; each further token takes `token_us`, and
    `crowd_us` more for every other request that runs beside. `samples` counts the answers behind it.
    """

    model: str
    samples: int
    first_token_p50_ms: int = 0
    first_token_p95_ms: int = 0
    token_p50_us: int = 0
    token_p95_us: int = 0
    base_ms: int = 0
    prefill_ns: int = 0
    token_us: int = 0
    crowd_us: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """What the probes see of a machine at one moment. Shares are parts per million of the whole in use."""

    cpu_ppm: int | None = None
    memory_ppm: int | None = None
    gpu_ppm: int | None = None
    gpu_memory_ppm: int | None = None
    battery_ppm: int | None = None
    is_on_battery: bool | None = None
    is_metered: bool | None = None
    is_throttled: bool | None = None

    @property
    def headroom_ppm(self) -> int | None:
        """What is left of the scarcest part that is known; None when nothing is."""
        parts = (self.cpu_ppm, self.memory_ppm, self.gpu_ppm, self.gpu_memory_ppm)
        used = [part for part in parts if part is not None]
        return max(0, 1_000_000 - max(used)) if used else None


@dataclass(frozen=True, slots=True)
class Load:
    """First-hand measure of an island's load; it lives ten seconds and is never forwarded.

    `requests_max` is how many requests run here at one time for whoever reads this; 0 takes none.
    `first_token_ms` and `token_us` are decayed means over all models, 0 before the first answer.
    `cache_ppm` is how full the engine's cache of prompts is, `headroom_ppm` what the machine has left.
    """

    running: int
    waiting: int
    requests_max: int
    first_token_ms: int
    token_us: int
    cache_ppm: int | None = None
    headroom_ppm: int | None = None
    is_on_battery: bool | None = None
    is_metered: bool | None = None
    is_throttled: bool | None = None
    models: tuple[ModelPace, ...] = ()
