"""The one exception tree. Texts name ids, kinds, counts and the remedy; never a prompt, never a key.

::

    IslandRunError
    ├─ ConfigError            the operator must act; names file, key and remedy
    ├─ StateError             a file of the node is damaged or locked; nothing was changed
    ├─ RejectedMessage        a peer sent what we refuse; it changed nothing
    │  ├─ MalformedMessage      not decodable, or a field outside its limit
    │  ├─ BadSignature
    │  ├─ ExpiredAttestation
    │  └─ Contradiction         two statements that cannot both be honest
    │     └─ BadProof             what should prove that a log of receipts only grew does not
    ├─ AuditBroken            a record of receipts is not as it was signed; names the first bad entry
    ├─ EnrolmentRefused       a join token or its holder was not accepted
    │  └─ JoinUnconfirmed       nobody has said yes to this join so far; the same call may succeed later
    ├─ RootLocked             the owner's key is under a passphrase that was not given, or not the right one
    ├─ RequestRefused         policy says no; shown to the caller with its reasons
    │  ├─ BadRequest            the request itself is wrong; names the field
    │  ├─ NobodyMaySee          no island is left after the vetoes
    │  │  └─ NoCapacity           one would be left, if only it had a place
    │  ├─ QuotaSpent            this caller has asked as much as it may for now
    │  └─ ForwardRefused        this island does not run what another one sent
    ├─ PurseEmpty             money was spent meanwhile; the request is decided again without paid islands
    ├─ PrivacyFault           a privacy part failed; the request counts as restricted
    └─ ForwardFailed          an island or backend did not answer; the route decides what is next
       ├─ Unreachable
       │  └─ TooSlow              it took the request and did not finish in time
       ├─ Overloaded
       ├─ BrokenAnswer          what it sent is not an answer: its own fault, no network does that
       ├─ Refused               the target refused by its own policy
       │  └─ NotOffered           it does not have what its own statement offers
       └─ Interrupted           after the first token: never retried silently
"""

from __future__ import annotations


class IslandRunError(Exception):
    """Anything IslandRun says no to. `reason` is a stable upper-case word for programs."""

    reason = "ERROR"


class ConfigError(IslandRunError):
    """The operator must act: the text names file, key and remedy."""

    reason = "CONFIG"


class StateError(IslandRunError):
    """A file of the node is damaged, locked or of another version; nothing was changed."""

    reason = "STATE"


class RejectedMessage(IslandRunError):
    """A peer sent what we refuse. It changed nothing here."""

    reason = "REJECTED"


class MalformedMessage(RejectedMessage):
    """Bytes that do not decode, or a field outside its limit."""

    reason = "MALFORMED"


class BadSignature(RejectedMessage):
    """A signature does not belong to the bytes and key it travels with."""

    reason = "BAD_SIGNATURE"


class ExpiredAttestation(RejectedMessage):
    """A statement outside its time window."""

    reason = "EXPIRED"


class Contradiction(RejectedMessage):
    """Two statements of one signer that cannot both be honest."""

    reason = "CONTRADICTION"


class BadProof(Contradiction):
    """What should prove that a log of receipts only grew, or holds an entry, does not."""

    reason = "BAD_PROOF"


class AuditBroken(IslandRunError):
    """A record of receipts is not as it was signed. `position` is the first bad entry, counted from 0."""

    reason = "AUDIT_BROKEN"

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class EnrolmentRefused(IslandRunError):
    """A join token, or its holder, was not accepted."""

    reason = "ENROLMENT_REFUSED"


class JoinUnconfirmed(EnrolmentRefused):
    """The owner has not said yes to this join so far. The same call may succeed later."""

    reason = "JOIN_UNCONFIRMED"


class RootLocked(IslandRunError):
    """The owner's key is under a passphrase that was not given, or not the right one."""

    reason = "ROOT_LOCKED"


class RequestRefused(IslandRunError):
    """Policy says no; shown to the caller with its reasons."""

    reason = "REQUEST_REFUSED"


class BadRequest(RequestRefused):
    """The request itself is wrong. `field` names where."""

    reason = "BAD_REQUEST"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NobodyMaySee(RequestRefused):
    """No island is left after the vetoes. `decision` (a `routing.decision.Decision`) says why."""

    reason = "NO_ELIGIBLE_ISLAND"

    def __init__(self, message: str, decision: object = None) -> None:
        super().__init__(message)
        self.decision = decision


class QuotaSpent(RequestRefused):
    """The caller has asked as much as the owner lets it for now."""

    reason = "QUOTA_SPENT"

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(f"{message}; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class NoCapacity(NobodyMaySee):
    """Some island may run the request, and none of those has a place now: it may be asked again."""

    reason = "NO_CAPACITY"


class ForwardRefused(RequestRefused):
    """What another island sent is not run here; `reason` is a `routing.receiver.ForwardVeto`."""

    reason = "FORWARD_REFUSED"

    def __init__(self, message: str, reason: str = reason) -> None:
        super().__init__(message)
        self.reason = reason


class PurseEmpty(IslandRunError):
    """What a request may cost is not left any more; it was not sent. It is decided anew."""

    reason = "OVER_BUDGET"


class PrivacyFault(IslandRunError):
    """A privacy part failed, so the request counts as restricted."""

    reason = "PRIVACY_FAULT"


class ForwardFailed(IslandRunError):
    """An island or backend did not answer. The route decides what is next."""

    reason = "FORWARD_FAILED"


class Unreachable(ForwardFailed):
    """No connection, or it broke before the first token."""

    reason = "UNREACHABLE"


class TooSlow(Unreachable):
    """It took the request and did not finish in the time it was given."""

    reason = "TOO_SLOW"


class BrokenAnswer(ForwardFailed):
    """What an island sent as its answer does not decode, or ended without an end."""

    reason = "BROKEN_ANSWER"


class Overloaded(ForwardFailed):
    """The target has no room now; `retry_seconds` says when it may have, as far as anybody knows."""

    reason = "OVERLOADED"

    def __init__(self, message: str, retry_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class Refused(ForwardFailed):
    """The target refused by its own policy, or does not know us."""

    reason = "REFUSED"


class NotOffered(Refused):
    """The target does not have the model that it was asked for."""

    reason = "MODEL_NOT_OFFERED"


class Interrupted(ForwardFailed):
    """The answer broke off after its first token; it is never retried silently."""

    reason = "INTERRUPTED"
