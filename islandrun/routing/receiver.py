"""The receiver's check: what another island sends is refused unless everything about it holds here, too.

The sender decided with its own view of the mesh, and it may be wrong, old or hostile. So the receiver asks
its own ledger again: who sends, whether the target is here, and how much its owner lets that target see. A
label can lie; what it says is at least bounded, and what a rule finds for certain in the text counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from islandrun.errors import ForwardRefused
from islandrun.locality.catalog import lies_within
from islandrun.trust.view import Reach
from islandrun.vocabulary import PPM_MAX, Ppm, Standing

HOPS_MAX: Final = 2


class ForwardVeto(StrEnum):
    """Why a forwarded request is refused; programs read it as `ErrorInfo.reason`."""

    SENDER_NOT_ADMITTED = "SENDER_NOT_ADMITTED"
    VIEW_TOO_OLD = "VIEW_TOO_OLD"
    TARGET_ELSEWHERE = "TARGET_ELSEWHERE"
    NO_HOPS_LEFT = "NO_HOPS_LEFT"
    LABEL_OUT_OF_RANGE = "LABEL_OUT_OF_RANGE"
    ABOVE_CEILING = "ABOVE_CEILING"
    UNDER_LABELLED = "UNDER_LABELLED"
    DATA_SET_CLOSED = "DATA_SET_CLOSED"


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A forwarded request without its text, and what the receiver knows of the two ends.

    `target_ppm` is how much the receiver's owner lets the target see, None when the target is not here.
    `data_sets_ppm` is the trust that each data set needs, None for one that is not here; `data_places` are
    the jurisdictions that they are bound to, and `sender_places` those where the sender lies.
    """

    sender: Standing
    sender_ppm: Ppm
    target_ppm: Ppm | None
    sensitivity_ppm: int
    hops_left: int
    data_sets_ppm: tuple[Ppm | None, ...] = ()
    data_places: tuple[str, ...] = ()
    sender_places: tuple[str, ...] = ()


def check_view(reach: Reach) -> None:
    """Raise `ForwardRefused` when this island's own view of the mesh is so old that it may trust nobody."""
    if reach is Reach.ITSELF:
        what = "this island has no news of its owner and cannot know who is still admitted"
        raise ForwardRefused(what, ForwardVeto.VIEW_TOO_OLD)


def check_forwarded(request: Forwarded) -> None:
    """Raise `ForwardRefused` unless a forwarded request may run here. Its texts name nothing of a request."""
    if request.sender is not Standing.ADMITTED:
        raise ForwardRefused("the calling island is not admitted now", ForwardVeto.SENDER_NOT_ADMITTED)
    if request.target_ppm is None:
        raise ForwardRefused("the target island is not on this node", ForwardVeto.TARGET_ELSEWHERE)
    if not 0 < request.hops_left <= HOPS_MAX:
        raise ForwardRefused(
            f"a request has 1 to {HOPS_MAX} hops left when it comes", ForwardVeto.NO_HOPS_LEFT
        )
    if not 0 <= request.sensitivity_ppm <= PPM_MAX:
        raise ForwardRefused("the sensitivity is not within 0 to 1,000,000", ForwardVeto.LABEL_OUT_OF_RANGE)
    if request.sensitivity_ppm > request.target_ppm:
        what = "the request is more sensitive than the owner lets this island see"
        raise ForwardRefused(what, ForwardVeto.ABOVE_CEILING)
    if not _may_read(request):
        # The same words for what is not here and for what is: who may not read it learns nothing.
        what = "the calling island may not read a data set that the request names"
        raise ForwardRefused(what, ForwardVeto.DATA_SET_CLOSED)


def _may_read(request: Forwarded) -> bool:
    """Say whether the sender is trusted with every data set that it names, and lies where they may go."""
    is_trusted = all(needed is not None and request.sender_ppm >= needed for needed in request.data_sets_ppm)
    return is_trusted and all(lies_within(request.sender_places, place) for place in request.data_places)


def check_seen(found_ppm: Ppm, target_ppm: Ppm) -> None:
    """Raise `ForwardRefused` when the text holds what the target may not see, whatever its label says."""
    if found_ppm > target_ppm:
        what = "the text holds a value that the sender should have masked for this island"
        raise ForwardRefused(what, ForwardVeto.UNDER_LABELLED)
