"""Figures of this node's engines and of its machine for /metrics; what is unknown is left out, never 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from islandrun_node.calibration import RATIOS, Calibration, Ratios

if TYPE_CHECKING:
    from islandrun.load import Load, ModelPace
    from islandrun_node.outlook import Outlook

PPM: Final = 1_000_000


class MachineFigures(Collector):
    """Reads everything when it is asked for; the engines of all islands of the node are summed."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook

    def describe(self) -> Iterator[Metric]:
        """Name no metric beforehand."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the figures as they are now."""
        upkeep = self._outlook.upkeep
        own = [upkeep.load(island) for island in upkeep.islands]
        others = [upkeep.load(island, is_for_others=True) for island in upkeep.islands]
        yield from _engines(own, others)
        yield CounterMetricFamily(
            "islandrun_turned_away", "Requests that got no place at an engine here.", upkeep.turned_away
        )
        yield from self._machine()
        pace = max((pace for load in own for pace in load.models), key=lambda one: one.samples, default=None)
        if pace is not None:
            yield from _paces(pace)
        yield _prediction(self._outlook.journal.calibration)

    def _machine(self) -> Iterator[Metric]:
        machine = self._outlook.upkeep.machine
        used = GaugeMetricFamily("islandrun_machine_used", "Share of a part in use.", labels=("part",))
        for part, share in (
            ("cpu", machine.cpu_ppm),
            ("memory", machine.memory_ppm),
            ("gpu", machine.gpu_ppm),
            ("gpu_memory", machine.gpu_memory_ppm),
        ):
            if share is not None:
                used.add_metric((part,), share / PPM)
        yield used
        if machine.battery_ppm is not None:
            yield GaugeMetricFamily("islandrun_battery", "How full it is, 0 to 1.", machine.battery_ppm / PPM)
        states = GaugeMetricFamily("islandrun_machine_is", "What holds for the machine.", labels=("state",))
        for state, holds in (
            ("on_battery", machine.is_on_battery),
            ("metered", machine.is_metered),
            ("throttled", machine.is_throttled),
        ):
            if holds is not None:
                states.add_metric((state,), float(holds))
        yield states


def _engines(own: list[Load], others: list[Load]) -> Iterator[Metric]:
    requests = GaugeMetricFamily("islandrun_engine_requests", "Requests at the engines.", labels=("state",))
    requests.add_metric(("running",), sum(load.running for load in own))
    requests.add_metric(("waiting",), sum(load.waiting for load in own))
    yield requests
    places = GaugeMetricFamily("islandrun_engine_places", "Places at the engines.", labels=("whose",))
    places.add_metric(("own",), sum(load.requests_max for load in own))
    places.add_metric(("others",), sum(load.requests_max for load in others))
    yield places


def _paces(pace: ModelPace) -> Iterator[Metric]:
    """Return the times of the model that answered most; its name is not a label."""
    first = GaugeMetricFamily("islandrun_first_token_seconds", "Recent times.", labels=("quantile",))
    first.add_metric(("0.5",), pace.first_token_p50_ms / 1_000)
    first.add_metric(("0.95",), pace.first_token_p95_ms / 1_000)
    yield first
    token = GaugeMetricFamily("islandrun_token_seconds", "Recent times of a token.", labels=("quantile",))
    token.add_metric(("0.5",), pace.token_p50_us / PPM)
    token.add_metric(("0.95",), pace.token_p95_us / PPM)
    yield token


def _prediction(calibration: Calibration) -> Metric:
    family = HistogramMetricFamily(
        "islandrun_prediction_ratio", "Expected over measured time of answers.", labels=("part",)
    )
    for part, ratios in calibration.parts.items():
        family.add_metric((part,), _buckets(ratios), ratios.total)
    return family


def _buckets(ratios: Ratios) -> list[tuple[str, float]]:
    """Return the counts up to each bound."""
    found, so_far = [], 0
    for bound, count in zip((*map(str, RATIOS), "+Inf"), ratios.counts, strict=True):
        so_far += count
        found.append((bound, float(so_far)))
    return found
