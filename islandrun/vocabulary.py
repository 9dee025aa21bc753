"""The nouns that everybody shares: frozen values without behaviour beyond their own arithmetic.

Shares, scores and prices are integers (`Ppm` = parts per million, micro-dollars), so that the
same snapshot gives the same decision on every machine. Times are seconds as float when they are
`now` of a state machine, and milliseconds since 1970 as int inside signed statements. Anything
that holds a user's text hides it from `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, NewType

from islandrun.load import Load as Load

IslandId = NewType("IslandId", str)
"""52 characters: lower-case base32 (no padding) of SHA-256 of the island's Ed25519 public key."""

PublicKey = NewType("PublicKey", bytes)
"""An Ed25519 public key, 32 bytes."""

Ppm = NewType("Ppm", int)
"""Parts per million, 0 to 1,000,000."""

PPM_MAX: Final = Ppm(1_000_000)


class Tier(IntEnum):
    """How near an island is to its owner; lower is nearer."""

    PERSONAL = 1
    EDGE = 2
    CLOUD = 3


class SensitivityClass(IntEnum):
    """What a sensitivity means in words."""

    PUBLIC = 1
    INTERNAL = 2
    CONFIDENTIAL = 3
    RESTRICTED = 4


CLASS_FLOORS: Final[dict[SensitivityClass, Ppm]] = {
    SensitivityClass.RESTRICTED: Ppm(850_000),
    SensitivityClass.CONFIDENTIAL: Ppm(500_000),
    SensitivityClass.INTERNAL: Ppm(250_000),
    SensitivityClass.PUBLIC: Ppm(0),
}
"""The lowest sensitivity of each class, highest class first."""


def sensitivity_class(sensitivity_ppm: Ppm) -> SensitivityClass:
    """Say which class a sensitivity falls into."""
    return next(name for name, floor in CLASS_FLOORS.items() if sensitivity_ppm >= floor)


class FindingType(StrEnum):
    """What a piece of text is; the word that appears inside its placeholder."""

    PERSON = "PERSON"
    LOCATION = "LOCATION"
    ADDRESS = "ADDRESS"
    ORG = "ORG"
    DATE = "DATE"
    CODE = "CODE"
    DEMOGRAPHIC = "DEMOGRAPHIC"
    QUANTITY = "QUANTITY"
    USERNAME = "USERNAME"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    NATIONAL_ID = "NATIONAL_ID"
    SECRET = "SECRET"  # noqa: S105 - a word, not a password
    IP = "IP"
    MAC = "MAC"
    URL = "URL"
    CRYPTO = "CRYPTO"
    PATH = "PATH"
    COORDINATES = "COORDINATES"
    TERM = "TERM"
    LITERAL = "LITERAL"


class Grain(StrEnum):
    """How coarse a general form is; a value is never written finer than its grain."""

    YEAR = "year"
    MONTH = "month"
    DECADE = "decade"
    MAGNITUDE = "magnitude"


@dataclass(frozen=True, slots=True)
class General:
    """That a value may be shown in a coarser form, and to whom: `floor_ppm` is the trust that this needs."""

    grain: Grain
    floor_ppm: Ppm


@dataclass(frozen=True, slots=True)
class Finding:
    """A span of one text that needs protection. It holds no text itself.

    `start` and `end` count Unicode code points; `floor_ppm` is the trust a reader needs to see it.
    `source` names the rule or model that found it. `general`: readers of less trust may see it coarser.
    """

    start: int
    end: int
    type: FindingType
    confidence_ppm: Ppm
    floor_ppm: Ppm
    source: str
    general: General | None = None


# ---------------------------------------------------------------- a request


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool inside a message; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is system, developer, user, assistant or tool."""

    role: str
    text: str = field(repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the model may call; `parameters` is a JSON schema as text."""

    name: str
    description: str = field(repr=False)
    parameters: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """All text of a request, in the order in which a model reads it."""

    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: str = field(default="", repr=False)
    response_format: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate; `None` leaves the choice to the backend."""

    temperature: float | None = None
    top_p: float | None = None
    tokens_max: int | None = None
    stop: tuple[str, ...] = field(default=(), repr=False)
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """Wishes of the client; they only tighten what the owner's policy allows.

    Empty tuples and `None` mean no wish. `only` and `ignore` hold island names or ids.
    """

    sensitivity_min_ppm: Ppm = Ppm(0)
    jurisdictions: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    cost_max_microusd: int | None = None
    deadline_ms: int | None = None
    data_sets: tuple[str, ...] = ()
    profile: str = ""
    wait_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request as a client made it. `conversation` empty: derived from its first messages."""

    model: str
    prompt: Prompt
    sampling: Sampling = Sampling()
    hints: Hints = Hints()
    conversation: str = field(default="", repr=False)


# ---------------------------------------------------------------- an answer


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of a tool call; `id` and `name` come with its first piece only."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the backend counted them, or as estimated where it did not.

    `cached_tokens` of the input were in the provider's cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that fits a question; `score_ppm` says how near it is, `section` its headings."""

    data_set: str
    document: str = field(repr=False)
    text: str = field(repr=False)
    score_ppm: Ppm
    section: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of an answer, known to it as `[mark]`; `is_cited` says whether the answer names it."""

    mark: int
    data_set: str
    document: str = field(repr=False)
    section: str = field(repr=False)
    score_ppm: Ppm
    is_cited: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer. `reason` is stop, length, tool_calls or content_filter."""

    reason: str
    usage: Usage
    model: str
    citations: tuple[Citation, ...] = ()


AnswerPiece = TextDelta | ToolCallDelta | Finished


# ---------------------------------------------------------------- an island


class Reachability(IntEnum):
    """What we know of a connection to an island; a rumour at most, never a membership."""

    ALIVE = 1
    SUSPECT = 2
    UNREACHABLE = 3
    AWAY = 4


class Standing(IntEnum):
    """What the owner says of an island."""

    ADMITTED = 1
    EXPIRED = 2
    REVOKED = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model that an island serves. Prices are micro-dollars per million tokens; 0 is free.

    `cached_input_price_microusd` None: what the provider had in its cache costs as much as the rest.
    `request_price_microusd` comes on top for each request. `work_hour_microusd` is the electricity of one
    hour of work on a machine of the owner's. Where `is_price_known` is false the prices say nothing.
    """

    name: str
    context_tokens_max: int
    quality_ppm: Ppm
    input_price_microusd: int = 0
    output_price_microusd: int = 0
    supports_tools: bool = False
    is_extractive: bool = False
    cached_input_price_microusd: int | None = None
    request_price_microusd: int = 0
    work_hour_microusd: int = 0
    is_price_known: bool = True


@dataclass(frozen=True, slots=True)
class DataSetOffer:
    """Documents that lie on an island and stay there; `description` says in words what they are about."""

    name: str
    documents: int
    size_bytes: int
    sensitivity_ppm: Ppm
    jurisdiction: str = ""
    embedding_model: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class TrustFactor:
    """One factor of a trust score; the score is the minimum of all."""

    name: str
    ppm: Ppm
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TrustScore:
    """How far an island is trusted from here, and by which factors."""

    ppm: Ppm
    factors: tuple[TrustFactor, ...] = ()


@dataclass(frozen=True, slots=True)
class IslandView:
    """All that a router knows of one island at one moment: the input of every agent.

    `front` is the island whose node fronts this one (an outbound island), else empty.
    `is_local` says that this node itself can run it (its own island, or one that it fronts).
    `relays` are the islands that carry pipes to this one, and `relay_endpoints` is where it carries pipes
    for others; `through` is the name of the relay over which it is reached from here now. `certifications`
    are the schemes that issuers whom the owner accepts certify of it now.
    """

    id: IslandId
    key: PublicKey
    name: str
    tier: Tier
    group: str
    jurisdictions: tuple[str, ...]
    standing: Standing
    reachability: Reachability
    trust: TrustScore
    models: tuple[ModelOffer, ...]
    data_sets: tuple[DataSetOffer, ...]
    endpoints: tuple[str, ...]
    requests_max: int
    load: Load | None
    round_trip_ms: int
    attested_until_ms: int
    admitted_until_ms: int
    front: str = ""
    is_local: bool = False
    is_self: bool = False
    relays: tuple[IslandId, ...] = ()
    relay_endpoints: tuple[str, ...] = ()
    through: str = ""
    certifications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks: `seconds` never runs backwards, `wall_ms` counts since 1970."""

    seconds: float
    wall_ms: int
