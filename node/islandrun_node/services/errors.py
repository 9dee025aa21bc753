"""Our errors as gRPC statuses and back: `google.rpc.ErrorInfo(reason, domain)` is what programs rely on.

Statuses travel in trailers, which gRPC drops when they are large: texts and lists are cut to fit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no stubs
from grpc_status import rpc_status

from islandrun.errors import (
    BadRequest,
    ConfigError,
    EnrolmentRefused,
    ForwardFailed,
    Interrupted,
    IslandRunError,
    NobodyMaySee,
    NoCapacity,
    Overloaded,
    PrivacyFault,
    QuotaSpent,
    Refused,
    RejectedMessage,
    RequestRefused,
    StateError,
    Unreachable,
)

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision

DOMAIN: Final = "islandrun.dev"
TEXT_CHARACTERS_MAX: Final = 600
ISLANDS_MAX: Final = 16
RETRY_SECONDS_MAX: Final = 3_600

TRequest = TypeVar("TRequest")
TResponse = TypeVar("TResponse")

_CODES: Final[tuple[tuple[type[IslandRunError], grpc.StatusCode], ...]] = (
    (BadRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (RejectedMessage, grpc.StatusCode.INVALID_ARGUMENT),
    (NoCapacity, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (NobodyMaySee, grpc.StatusCode.PERMISSION_DENIED),
    (QuotaSpent, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (RequestRefused, grpc.StatusCode.PERMISSION_DENIED),
    (EnrolmentRefused, grpc.StatusCode.PERMISSION_DENIED),
    (Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Refused, grpc.StatusCode.FAILED_PRECONDITION),
    (Interrupted, grpc.StatusCode.ABORTED),
    (Unreachable, grpc.StatusCode.UNAVAILABLE),
    (ForwardFailed, grpc.StatusCode.UNAVAILABLE),
    (ConfigError, grpc.StatusCode.FAILED_PRECONDITION),
    (StateError, grpc.StatusCode.INTERNAL),
    (PrivacyFault, grpc.StatusCode.INTERNAL),
    (IslandRunError, grpc.StatusCode.INTERNAL),
)
"""The first that fits counts."""

_log = logging.getLogger(__name__)


async def abort(context: grpc.aio.ServicerContext[TRequest, TResponse], error: Exception) -> NoReturn:
    """End a call with an error. One that is not ours is logged by its type; nothing else of it leaves."""
    if not isinstance(error, IslandRunError):
        _log.error("a call failed inside: %s", type(error).__name__)
        error = IslandRunError("the node failed inside; its log says where")
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    await abort_with(context, code, error.reason, str(error), *_details(error), **_metadata(error))


async def abort_with(
    context: grpc.aio.ServicerContext[TRequest, TResponse],
    code: grpc.StatusCode,
    reason: str,
    text: str,
    *details: Message,
    **metadata: str,
) -> NoReturn:
    """End a call with a status that is no error of ours, such as NOT_FOUND."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    status = status_pb2.Status(code=_number(code), message=_cut(text))
    for detail in (info, *details):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    await context.abort_with_status(rpc_status.to_status(status))


def error_of(error: grpc.aio.AioRpcError) -> IslandRunError:
    """Return our error for a failed call of a client; without ErrorInfo its code decides.

    A reason that is none of ours gives an `IslandRunError` that carries it.
    """
    code, text = error.code(), error.details() or error.code().name.lower()
    info = error_info(error)
    if info is None:
        return _by_code(code, text)
    kind = next((kind for kind in _tree(IslandRunError) if kind.reason == info.reason), None)
    if kind is BadRequest:
        return BadRequest(text, info.metadata.get("field", ""))
    made = (kind or IslandRunError)(text)
    if kind is None:
        made.reason = info.reason
    return made


def error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo | None:
    """Return the ErrorInfo of a failed call when it is one of IslandRun's."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has all that is read of a call
    except ValueError:
        return None
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            return info
    return None


def retry_seconds(error: grpc.aio.AioRpcError) -> int:
    """Return after how many seconds whoever had no room may be asked again; 1 when it is not said."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has all that is read of a call
    except ValueError:
        return 1
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            seconds: int = info.retry_delay.seconds
            return max(1, min(seconds, RETRY_SECONDS_MAX))
    return 1


def _details(error: IslandRunError) -> list[Message]:
    match error:
        case BadRequest():
            violation = error_details_pb2.BadRequest.FieldViolation(
                field=error.field, description=_cut(str(error))
            )
            return [error_details_pb2.BadRequest(field_violations=[violation])]
        case QuotaSpent():
            delay = Duration(seconds=error.retry_after_seconds)
            return [error_details_pb2.RetryInfo(retry_delay=delay)]
        case Overloaded():
            return [error_details_pb2.RetryInfo(retry_delay=Duration(seconds=error.retry_seconds))]
        case NoCapacity():
            return [error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1))]
        case _:
            return []


def _metadata(error: IslandRunError) -> dict[str, str]:
    """Return what a program may want to know beyond the reason."""
    match error:
        case BadRequest():
            return {"field": error.field}
        case NobodyMaySee() if error.decision is not None:
            return dict(_refusal(error.decision))  # type: ignore[arg-type]  # errors know no routing type
        case _:
            return {}


def _refusal(decision: Decision) -> Iterator[tuple[str, str]]:
    """Name the receipt, and for each island why it may not run the request."""
    yield "receipt", decision.receipt_id
    for report in decision.reports[:ISLANDS_MAX]:
        reasons = sorted({str(veto.reason) for veto in report.vetoes})
        yield f"island.{report.name or report.island[:8]}", ",".join(reasons)


def _by_code(code: grpc.StatusCode, text: str) -> IslandRunError:
    """Return the error for a status that some other layer made, such as gRPC itself."""
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return Unreachable(text)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(text)
        case grpc.StatusCode.INVALID_ARGUMENT:
            return BadRequest(text)
        case grpc.StatusCode.PERMISSION_DENIED:
            return RequestRefused(text)
        case _:
            made = IslandRunError(text)
            made.reason = code.name
            return made


def _tree(kind: type[IslandRunError]) -> Iterator[type[IslandRunError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _number(code: grpc.StatusCode) -> int:
    number = code.value[0]
    assert isinstance(number, int)
    return number


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS_MAX else f"{text[: TEXT_CHARACTERS_MAX - 3]}..."
