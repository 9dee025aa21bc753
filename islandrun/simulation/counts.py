"""What went over the network of a simulated mesh, and how calm it was."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Messages since the world began; `sent_by` and `changes_at` since `begin_measure` by island."""

    sent: int = 0
    lost: int = 0
    refused: int = 0
    size_bytes: int = 0
    bad_statements: int = 0
    requests: int = 0
    requests_refused: int = 0
    measured_since: float = 0.0
    sent_by: dict[str, int] = field(default_factory=dict)
    changes_at: dict[str, int] = field(default_factory=dict)

    def said(self, name: str, size_bytes: int) -> None:
        """Count one message."""
        self.sent += 1
        self.size_bytes += size_bytes
        self.sent_by[name] = self.sent_by.get(name, 0) + 1

    def changed(self, name: str) -> None:
        """Count one change of what an island believes of the way to another."""
        self.changes_at[name] = self.changes_at.get(name, 0) + 1

    def begin_measure(self, seconds: float) -> None:
        """Begin to count by island anew."""
        self.measured_since = seconds
        self.sent_by.clear()
        self.changes_at.clear()
