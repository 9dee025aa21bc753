"""Verification for many islands in one process: the same bytes are really verified once a minute of time."""

from __future__ import annotations

from typing import Final

from islandrun.errors import RejectedMessage
from islandrun.trust.genesis import Genesis
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, verify

RESULTS_MAX: Final = 200_000
_MINUTE_MS: Final = 60_000


class CheckedOnce:
    """Returns what `verify` returned for the same bytes in the same minute, or raises what it raised.

    In a mesh of machines every island verifies for itself, which is what `Mesh` does without this.
    """

    def __init__(self) -> None:
        self._results: dict[tuple[SignedAttestation, int], VerifiedAttestation | RejectedMessage] = {}
        self.verified = 0

    def __call__(self, signed: SignedAttestation, genesis: Genesis, now_ms: int) -> VerifiedAttestation:
        """Have the form and the duty of `islandrun.trust.signing.verify`."""
        slot = (signed, now_ms // _MINUTE_MS)
        result = self._results.get(slot)
        if result is None:
            result = self._verify(signed, genesis, now_ms)
            if len(self._results) >= RESULTS_MAX:
                self._results.clear()
            self._results[slot] = result
        if isinstance(result, RejectedMessage):
            raise result.with_traceback(None)
        return result

    def _verify(
        self, signed: SignedAttestation, genesis: Genesis, now_ms: int
    ) -> VerifiedAttestation | RejectedMessage:
        self.verified += 1
        try:
            return verify(signed, genesis, now_ms)
        except RejectedMessage as error:
            return error
