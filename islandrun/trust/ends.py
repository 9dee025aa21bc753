"""When the next statement begins or ends, so that a ledger is looked through only when one has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from islandrun.trust.claims import AdmissionClaims, Claims, RenewalClaims, SelfClaims
from islandrun.trust.signing import SKEW_MS
from islandrun.wire.limits import TIME_MS_MAX

_Ending = SelfClaims | AdmissionClaims | RenewalClaims


@dataclass(slots=True)
class Ends:
    """`looked_at_ms` is the moment of the last look, or when the last statement began if that is later.

    `next_ms` is the first end after it.
    """

    looked_at_ms: int = 0
    next_ms: int = TIME_MS_MAX

    def is_as_it_was(self, present_ms: int) -> bool:
        """Say whether nothing has ended since the last look, and no clock went back behind it."""
        return self.looked_at_ms <= present_ms <= self.next_ms

    def note(self, claims: Claims) -> None:
        """Take in a statement that is new."""
        if isinstance(claims, _Ending):
            self.looked_at_ms = max(self.looked_at_ms, claims.header.not_before_ms - SKEW_MS)
            self.next_ms = min(self.next_ms, claims.header.not_after_ms)

    def look(self, held: Iterable[Claims], present_ms: int) -> None:
        """Find the next end among all that is held."""
        self.looked_at_ms, self.next_ms = present_ms, TIME_MS_MAX
        for claims in held:
            if claims.header.not_after_ms >= present_ms:
                self.note(claims)
