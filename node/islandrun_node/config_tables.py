"""The tables of the settings file and what each key may hold. `config` reads and checks them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Address = Annotated[
    str, msgspec.Meta(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.\-]+):\d{1,5}$", max_length=255)
]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,32}$")]
Jurisdiction = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
Scheme = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.:-]{0,63}$")]
Hours = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
WaitLimit = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://", max_length=2048)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; keys not named here are errors."""


class Listen(Table, frozen=True):
    """Where the node listens. Port 0 takes a free one."""

    mesh: Address = "0.0.0.0:8471"
    http: Address = "127.0.0.1:8470"
    grpc: Address = "127.0.0.1:8472"
    advertise: tuple[Address, ...] = ()
    reachable: Literal["auto", "direct", "relayed"] = "auto"


class Relay(Table, frozen=True):
    """Whether this island carries pipes for others, and over which islands it is reached itself."""

    serve: bool = False
    listen: Address = "0.0.0.0:8473"
    advertise: tuple[Address, ...] = ()
    through: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], ...] = ()
    megabytes_per_second: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16


class Discovery(Table, frozen=True):
    """Whether islands of the mesh look for each other on the local network (mDNS)."""

    enabled: bool = True


class Island(Table, frozen=True):
    """What this island says of itself."""

    jurisdictions: tuple[Jurisdiction, ...] = ()
    requests_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4


Dollars = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Price = Annotated[float, msgspec.Meta(ge=0, le=10_000)]


class WaitSeconds(Table, frozen=True):
    """How long a request of each profile waits where only a place is missing."""

    balanced: WaitLimit = 2.0
    private: WaitLimit = 30.0
    fast: WaitLimit = 0.0
    cheap: WaitLimit = 30.0


class Resources(Table, frozen=True):
    """What this machine gives to requests, and when."""

    on_battery: Literal["all", "own", "none"] = "all"
    battery_min: Share = 0.2
    on_metered: Literal["all", "own"] = "all"
    metered: Literal["auto", "yes", "no"] = "auto"
    quiet_hours: Annotated[tuple[Hours, ...], msgspec.Meta(max_length=16)] = ()
    cpu_max: Share = 1.0
    waiting_max: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 64
    wait_seconds_max: WaitLimit = 120.0
    wait_seconds: WaitSeconds = WaitSeconds()


class Model(Table, frozen=True):
    """A model behind a URL. Prices are US dollars per million tokens; without any the price table counts."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    context_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 8192
    quality: Share = 0.7
    input_price_usd: Price | None = None
    output_price_usd: Price | None = None
    cached_input_price_usd: Price | None = None
    request_price_usd: Price | None = None
    supports_tools: bool = True


class Backend(Table, frozen=True):
    """What answers on this island: the embedded extractive engine, or an OpenAI-compatible URL."""

    kind: Literal["embedded", "openai"] = "embedded"
    url: Url | None = None
    models: tuple[Model, ...] = ()


class Outbound(Table, frozen=True):
    """A cloud API that this node fronts as an island of its own."""

    name: Name
    url: Url
    models: tuple[Model, ...]
    provider: Annotated[str, msgspec.Meta(max_length=64)] = ""
    jurisdictions: tuple[Jurisdiction, ...] = ()
    requests_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16


class Power(Table, frozen=True):
    """What work on this machine adds to the electricity bill."""

    active_watts: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0
    idle_watts: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0
    kwh_price: Annotated[float, msgspec.Meta(ge=0, le=1_000)] = 0.0
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    usd_per_currency: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] | None = None


class Budget(Table, frozen=True):
    """The most that may be spent at providers, in US dollars; what is left out has no limit."""

    day_usd: Dollars | None = None
    month_usd: Dollars | None = None
    conversation_usd: Dollars | None = None
    client_day_usd: Dollars | None = None
    client_month_usd: Dollars | None = None
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "UTC"
    answer_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 4096
    baseline: Annotated[str, msgspec.Meta(max_length=128)] = "openai/gpt-4o"


class Data(Table, frozen=True):
    """A folder of documents that stay on this island."""

    name: Name
    path: str
    sensitivity: Share = 0.4
    jurisdiction: Jurisdiction | None = None
    description: Annotated[str, msgspec.Meta(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class TierTrust(Table, frozen=True):
    """The most that an island of a tier is trusted."""

    personal: Share = 1.0
    edge: Share = 0.8
    cloud: Share = 0.2


Tiers = tuple[Literal["personal", "edge", "cloud"], ...]
Some = msgspec.Meta(min_length=1, max_length=64)
"""A list in a rule names something: one that is empty would allow nothing."""

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Time = Annotated[str, msgspec.Meta(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")]
TimeOrMidnight = Annotated[str, msgspec.Meta(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
DataKind = Literal[
    "PHI", "PCI", "PII", "CREDENTIALS", "SOURCE_CODE", "MINORS", "FINANCE", "LEGAL", "HR", "TRADE_SECRET",
]  # fmt: skip


class Window(Table, frozen=True):
    """Hours of days, by the wall clock of an IANA zone such as "Europe/Berlin"."""

    zone: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}$", max_length=64)]
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip
    start: Time = "00:00"
    end: TimeOrMidnight = "24:00"


class Rule(Table, frozen=True):
    """A rule: the upper keys say which requests it names, the lower ones what they may reach."""

    name: Name
    sensitivity_min: Literal["public", "internal", "confidential", "restricted"] = "public"
    data: Annotated[tuple[DataKind, ...], Some] | None = None
    topics: Annotated[tuple[Word, ...], Some] | None = None
    keys: Annotated[tuple[Name, ...], Some] | None = None
    data_sets: Annotated[tuple[Name, ...], Some] | None = None
    uses: Annotated[tuple[Literal["chat", "tools", "read"], ...], Some] | None = None
    during: Window | None = None

    tiers: Annotated[Tiers, Some] | None = None
    jurisdictions: Annotated[tuple[Jurisdiction, ...], msgspec.Meta(min_length=1, max_length=256)] | None = (
        None
    )
    groups: Annotated[tuple[Word, ...], Some] | None = None
    certifications: Annotated[tuple[Scheme, ...], Some] | None = None
    islands: (
        Annotated[tuple[Annotated[str, msgspec.Meta(pattern=r"^(?:self|[a-z2-7]{16,52})$")], ...], Some]
        | None
    ) = None
    models: Annotated[tuple[Word, ...], Some] | None = None
    cost_max_usd: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None
    only_during: Window | None = None
    deny: bool = False


class KeyLimits(Table, frozen=True):
    """What programs with a client key may ask; the name "*" means each key."""

    name: Annotated[str, msgspec.Meta(pattern=r"^(?:\*|[a-z0-9-]{1,32})$")]
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    tokens_per_day: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None
    running_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


class Policy(Table, frozen=True):
    """The owner's rules. A client can only tighten them."""

    profile: Literal["balanced", "private", "fast", "cheap"] = "balanced"
    jurisdictions: tuple[Jurisdiction, ...] = ()
    tiers: Tiers = ("personal", "edge", "cloud")
    cost_max_usd: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None
    tier_trust: TierTrust = TierTrust()
    unmatched: Literal["allow", "deny"] = "allow"
    rule: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=64)] = ()
    key: Annotated[tuple[KeyLimits, ...], msgspec.Meta(max_length=256)] = ()


class Issuer(Table, frozen=True):
    """A key outside the mesh whose certifications and vouches count here: 64 hexadecimal digits."""

    name: Name
    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Trust(Table, frozen=True):
    """What an island needs beside its admission to be trusted here."""

    issuers: Annotated[tuple[Issuer, ...], msgspec.Meta(max_length=32)] = ()
    required_schemes: Annotated[tuple[Scheme, ...], msgspec.Meta(max_length=16)] = ()
    jurisdictions: tuple[Jurisdiction, ...] = ()
    view_group_hours: Annotated[float, msgspec.Meta(ge=1, le=8_760)] = 24.0
    view_hours: Annotated[float, msgspec.Meta(ge=1, le=8_760)] = 168.0


OwnValue = Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
FloorOfContact = Annotated[float, msgspec.Meta(ge=0.3, le=1)]
FloorOfHarm = Annotated[float, msgspec.Meta(ge=0.9, le=1)]
OwnType = Literal[
    "PERSON", "LOCATION", "ADDRESS", "ORG", "DATE", "CODE", "DEMOGRAPHIC", "QUANTITY", "USERNAME", "EMAIL",
    "PHONE", "CARD", "IBAN", "NATIONAL_ID", "SECRET", "IP", "MAC", "URL", "CRYPTO", "PATH", "COORDINATES",
    "TERM",
]  # fmt: skip


class OwnPattern(Table, frozen=True):
    """A regular expression (RE2) of the owner's, and what its matches are."""

    name: Name
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    type: OwnType = "TERM"


class PrivacyFloors(Table, frozen=True):
    """The trust (0 to 1) that a reader needs to see a value of a type; what is left out keeps its default.

    What stands for harm can only be raised. Who somebody is and how to reach them stays at 0.3 or more,
    so that no setting shows it to an island that nobody vouches for.
    """

    secret: FloorOfHarm | None = None
    card: FloorOfHarm | None = None
    iban: FloorOfHarm | None = None
    national_id: FloorOfHarm | None = None
    crypto: FloorOfHarm | None = None
    term: FloorOfContact | None = None
    person: FloorOfContact | None = None
    email: FloorOfContact | None = None
    phone: FloorOfContact | None = None
    address: FloorOfContact | None = None
    username: FloorOfContact | None = None
    path: FloorOfContact | None = None
    url: FloorOfContact | None = None
    ip: FloorOfContact | None = None
    mac: FloorOfContact | None = None
    coordinates: FloorOfContact | None = None
    code: FloorOfContact | None = None
    date: Share | None = None
    org: Share | None = None
    location: Share | None = None
    quantity: Share | None = None
    demographic: Share | None = None
    general_date: Share | None = None
    general_age: Share | None = None
    general_amount: Share | None = None
    planned_location: Share | None = None


class Privacy(Table, frozen=True):
    """What is looked for in a request, and how much trust it needs."""

    terms: tuple[OwnValue, ...] = ()
    allow: tuple[OwnValue, ...] = ()
    patterns: tuple[OwnPattern, ...] = ()
    floors: PrivacyFloors = PrivacyFloors()
    detector: Literal["full", "rules"] = "full"
    recall: Literal["balanced", "high"] = "balanced"
    conversation_hours: Annotated[float, msgspec.Meta(gt=0, le=8_760)] = 24.0


class TaskQuality(Table, frozen=True):
    """The quality (0 to 1) to expect of a model for each task; what is left out keeps its estimate."""

    chat: Share | None = None
    code: Share | None = None
    math: Share | None = None
    summarise: Share | None = None
    translate: Share | None = None
    extract: Share | None = None
    write: Share | None = None
    knowledge: Share | None = None


ModelPattern = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Limits(Table, frozen=True):
    """Bounds on what the node takes in."""

    body_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] = 32 * 1024 * 1024
    requests_running_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 64
    answer_seconds_max: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 600.0


class Config(Table, frozen=True):
    """All settings of one node."""

    name: Name = "island"
    match_data_sets: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    listen: Listen = Listen()
    relay: Relay = Relay()
    discovery: Discovery = Discovery()
    island: Island = Island()
    resources: Resources = Resources()
    backend: Backend = Backend()
    outbound: tuple[Outbound, ...] = ()
    power: Power = Power()
    budget: Budget = Budget()
    data: tuple[Data, ...] = ()
    policy: Policy = Policy()
    trust: Trust = Trust()
    privacy: Privacy = Privacy()
    quality: Annotated[dict[ModelPattern, TaskQuality], msgspec.Meta(max_length=256)] = {}
    limits: Limits = Limits()
