"""Counters of the door in a registry of the node's own. Labels are tiers and codes; never ids or text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from islandrun_node.http.facts import MICROUSD_PER_USD, decision_word
from islandrun_node.http.machine_figures import MachineFigures

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision
    from islandrun.vocabulary import IslandId
    from islandrun_node.outlook import Outlook

SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CUT: Final = "499"
"""The code of a request whose client went away."""


class Meters:
    """The counters of one door; they live as long as the registry."""

    def __init__(self, registry: CollectorRegistry, outlook: Outlook) -> None:
        self._me: IslandId = outlook.me
        self._requests = Counter(
            "islandrun_requests",
            "Requests over HTTP by tier, decision and status code.",
            ("tier", "decision", "code"),
            registry=registry,
        )
        self._redactions = Counter(
            "islandrun_redactions", "Masked places by type.", ("type",), registry=registry
        )
        self._decision_seconds = Histogram(
            "islandrun_decision_seconds", "From request to decision.", buckets=SECONDS, registry=registry
        )
        self._cost_usd = Counter(
            "islandrun_cost_usd",
            "US dollars of answers over HTTP, with power.",
            registry=registry,
        )
        registry.register(_MeshFigures(outlook))
        registry.register(MachineFigures(outlook))

    def decided(self, decision: Decision, seconds: float) -> None:
        """Count a decision and what was masked under it."""
        self._decision_seconds.observe(seconds)
        for kind, count in decision.masked:
            self._redactions.labels(kind.value).inc(count)

    def settled(self, cost_microusd: int) -> None:
        """Count what a whole answer cost."""
        self._cost_usd.inc(cost_microusd / MICROUSD_PER_USD)

    def ended(self, decision: Decision | None, code: str) -> None:
        """Count a request at its end; `code` is its status, `CUT`, or "interrupted"."""
        chosen = decision.chosen if decision else None
        tier = chosen.tier.name.lower() if chosen else "none"
        word = decision_word(decision, self._me) if decision else "none"
        self._requests.labels(tier, word, code).inc()


class _MeshFigures(Collector):
    """Figures of the mesh, read when they are asked for; they count the requests of every door."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook

    def describe(self) -> Iterator[Metric]:
        """Name no metric beforehand, so that registering needs no view of the mesh."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the figures as they are now."""
        status = self._outlook.mesh_status()
        islands = GaugeMetricFamily("islandrun_islands", "Islands that are admitted.", labels=("state",))
        islands.add_metric(("alive",), status.islands_alive)
        islands.add_metric(("not_alive",), status.islands - status.islands_alive)
        yield islands
        yield GaugeMetricFamily(
            "islandrun_degraded", "Reasons why the node is not whole.", len(status.degraded)
        )
        outcomes = CounterMetricFamily(
            "islandrun_outcomes", "Requests of all doors by outcome.", labels=("outcome",)
        )
        outcomes.add_metric(("answered",), status.requests_answered)
        outcomes.add_metric(("refused",), status.requests_refused)
        outcomes.add_metric(("failed",), status.requests_failed)
        yield outcomes
