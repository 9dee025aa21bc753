"""What went wrong, in the shape that OpenAI clients read: an HTTP status and `{"error": {...}}`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response

from islandrun.agents.agent import VetoReason
from islandrun.agents.models import ALIASES
from islandrun.errors import (
    BadRequest,
    ForwardFailed,
    Interrupted,
    IslandRunError,
    MalformedMessage,
    NobodyMaySee,
    NoCapacity,
    Overloaded,
    PrivacyFault,
    QuotaSpent,
    Refused,
    RequestRefused,
    Unreachable,
)

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision

ISLANDS_MAX: Final = 256

_KINDS: Final[tuple[tuple[type[IslandRunError], int, str, str], ...]] = (
    (BadRequest, 400, "invalid_request_error", "bad_request"),
    (MalformedMessage, 400, "invalid_request_error", "bad_request"),
    (NoCapacity, 429, "rate_limit_error", "no_capacity"),
    (NobodyMaySee, 403, "permission_error", "no_eligible_island"),
    (QuotaSpent, 429, "rate_limit_error", "rate_limit_exceeded"),
    (RequestRefused, 403, "permission_error", "refused_by_policy"),
    (Overloaded, 429, "rate_limit_error", "overloaded"),
    (Unreachable, 503, "server_error", "island_unreachable"),
    (Refused, 502, "server_error", "island_refused"),
    (Interrupted, 502, "server_error", "answer_interrupted"),
    (ForwardFailed, 502, "server_error", "island_failed"),
    (PrivacyFault, 500, "server_error", "privacy_fault"),
    (IslandRunError, 500, "server_error", "node_error"),
)
"""Error, status, type, code; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error answer. `param` is the field of the request that is wrong, empty when it is none."""

    status: int
    message: str
    type: str
    code: str
    param: str = ""
    islands: tuple[dict[str, object], ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())

    def body(self) -> bytes:
        """Return it as JSON."""
        error: dict[str, object] = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "param": self.param or None,
        }
        if self.code in ("no_eligible_island", "no_capacity"):
            error["islands"] = self.islands
        return msgspec.json.encode({"error": error})

    def response(self, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """Return it as a whole HTTP answer with further headers."""
        return Response(
            self.body(),
            status_code=self.status,
            headers=dict(self.headers + headers),
            media_type="application/json",
        )


class Rejected(Exception):
    """A request that the door itself turns away; it carries its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def invalid(status: int, code: str, message: str, param: str = "") -> Rejected:
    """Return the rejection of a request that is itself wrong."""
    return Rejected(Problem(status, message, "invalid_request_error", code, param))


def problem_of(error: Exception) -> Problem:
    """Return the answer to an error. Of an error that is not ours nothing is shown but that it happened."""
    if isinstance(error, Rejected):
        return error.problem
    for kind, status, type_, code in _KINDS:
        if isinstance(error, kind):
            return Problem(
                status,
                str(error),
                type_,
                code,
                param=error.field if isinstance(error, BadRequest) else "",
                islands=_islands(error.decision) if isinstance(error, NobodyMaySee) else (),
                headers=(("retry-after", str(_retry_seconds(error))),) if status == 429 else (),
            )
    return Problem(500, "the node failed inside; its log says where", "server_error", "internal_error")


def _retry_seconds(error: Exception) -> int:
    match error:
        case QuotaSpent():
            return error.retry_after_seconds
        case Overloaded():
            return error.retry_seconds
        case _:
            return 1


def unknown_model_or(problem: Problem, model: str, decision: Decision | object) -> Problem:
    """Return `problem`, or what to say in its place when no island of a refusal has the model asked for."""
    name = model.rpartition("@")[0] if "@" in model else model
    reports = getattr(decision, "reports", ())
    is_missing = all(
        any(veto.reason is VetoReason.MODEL_MISSING for veto in report.vetoes) for report in reports
    )
    return unknown_model("model") if reports and is_missing and name not in ("", *ALIASES) else problem


def unknown_model(param: str = "") -> Problem:
    """Return the answer to a model name that nobody in the mesh knows."""
    return Problem(
        404,
        "no island of this mesh has that model; GET /v1/models lists what there is",
        "invalid_request_error",
        "model_not_found",
        param,
    )


def _islands(decision: Decision | object) -> tuple[dict[str, object], ...]:
    """Return for each island that was judged why it may not run the request."""
    return tuple(
        {
            "island": report.name or report.island,
            "tier": report.tier.name.lower(),
            "reasons": [str(veto.reason) for veto in report.vetoes],
            "details": [veto.detail for veto in report.vetoes],
        }
        for report in getattr(decision, "reports", ())[:ISLANDS_MAX]
    )
