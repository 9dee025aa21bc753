"""The settings of a node: flag, then `ISLANDRUN_*`, then `config.toml`, then default.

An unknown key or a wrong value is an error that names file, key and remedy; nothing is guessed.
`config.example.toml` beside this module lists every key.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from islandrun.errors import ConfigError
from islandrun.vocabulary import FindingType, Ppm, Tier

if TYPE_CHECKING:
    from islandrun.privacy.detect.owner import OwnerRules
    from islandrun.privacy.floors import Floors

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Address = Annotated[
    str, msgspec.Meta(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.\-]+):\d{1,5}$", max_length=255)
]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,32}$")]
Jurisdiction = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://", max_length=2048)]
CONFIG_BYTES_MAX = 1_048_576


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; keys not named here are errors."""


class Listen(_Table, frozen=True):
    """Where the node listens. Port 0 takes a free one."""

    mesh: Address = "0.0.0.0:8471"
    http: Address = "127.0.0.1:8470"
    grpc: Address = "127.0.0.1:8472"
    advertise: tuple[Address, ...] = ()


class Island(_Table, frozen=True):
    """What this island says of itself."""

    jurisdictions: tuple[Jurisdiction, ...] = ()
    requests_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4


class Model(_Table, frozen=True):
    """A model behind a URL. Prices are US dollars per million tokens."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    context_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 8192
    quality: Share = 0.7
    input_price_usd: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0
    output_price_usd: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0
    supports_tools: bool = True


class Backend(_Table, frozen=True):
    """What answers on this island: the embedded extractive engine, or an OpenAI-compatible URL."""

    kind: Literal["embedded", "openai"] = "embedded"
    url: Url | None = None
    models: tuple[Model, ...] = ()


class Outbound(_Table, frozen=True):
    """A cloud API that this node fronts as an island of its own."""

    name: Name
    url: Url
    models: tuple[Model, ...]
    jurisdictions: tuple[Jurisdiction, ...] = ()
    requests_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16


class Data(_Table, frozen=True):
    """A folder of documents that stay on this island."""

    name: Name
    path: str
    sensitivity: Share = 0.4
    jurisdiction: Jurisdiction | None = None


class TierTrust(_Table, frozen=True):
    """The most that an island of a tier is trusted."""

    personal: Share = 1.0
    edge: Share = 0.8
    cloud: Share = 0.2


class Policy(_Table, frozen=True):
    """The owner's rules. A client can only tighten them."""

    profile: Literal["balanced", "private", "fast", "cheap"] = "balanced"
    jurisdictions: tuple[Jurisdiction, ...] = ()
    tiers: tuple[Literal["personal", "edge", "cloud"], ...] = ("personal", "edge", "cloud")
    cost_max_usd: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None
    tier_trust: TierTrust = TierTrust()


OwnValue = Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
FloorOfContact = Annotated[float, msgspec.Meta(ge=0.3, le=1)]
FloorOfHarm = Annotated[float, msgspec.Meta(ge=0.9, le=1)]
OwnType = Literal[
    "PERSON", "LOCATION", "ADDRESS", "ORG", "DATE", "CODE", "DEMOGRAPHIC", "QUANTITY", "USERNAME", "EMAIL",
    "PHONE", "CARD", "IBAN", "NATIONAL_ID", "SECRET", "IP", "MAC", "URL", "CRYPTO", "PATH", "COORDINATES",
    "TERM",
]  # fmt: skip


class OwnPattern(_Table, frozen=True):
    """A regular expression (RE2) of the owner's, and what its matches are."""

    name: Name
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    type: OwnType = "TERM"


class PrivacyFloors(_Table, frozen=True):
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


class Privacy(_Table, frozen=True):
    """What is looked for in a request, and how much trust it needs."""

    terms: tuple[OwnValue, ...] = ()
    allow: tuple[OwnValue, ...] = ()
    patterns: tuple[OwnPattern, ...] = ()
    floors: PrivacyFloors = PrivacyFloors()
    detector: Literal["full", "rules"] = "full"
    recall: Literal["balanced", "high"] = "balanced"
    conversation_hours: Annotated[float, msgspec.Meta(gt=0, le=8_760)] = 24.0


class Limits(_Table, frozen=True):
    """Bounds on what the node takes in."""

    body_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] = 32 * 1024 * 1024
    requests_running_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 64
    answer_seconds_max: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 600.0


class Config(_Table, frozen=True):
    """All settings of one node."""

    name: Name = "island"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    listen: Listen = Listen()
    island: Island = Island()
    backend: Backend = Backend()
    outbound: tuple[Outbound, ...] = ()
    data: tuple[Data, ...] = ()
    policy: Policy = Policy()
    privacy: Privacy = Privacy()
    limits: Limits = Limits()


_ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "ISLANDRUN_NAME": ("name",),
    "ISLANDRUN_LOG_LEVEL": ("log_level",),
    "ISLANDRUN_LISTEN_MESH": ("listen", "mesh"),
    "ISLANDRUN_LISTEN_HTTP": ("listen", "http"),
    "ISLANDRUN_LISTEN_GRPC": ("listen", "grpc"),
    "ISLANDRUN_BACKEND_URL": ("backend", "url"),
    "ISLANDRUN_PROFILE": ("policy", "profile"),
}


def load(path: Path, flags: Mapping[tuple[str, ...], object] | None = None) -> Config:
    """Read the settings; a missing file means all defaults.

    `flags` maps key paths such as `("listen", "http")` to values of the command line.
    Raises `ConfigError`, which names file, key and remedy.
    """
    table = _read(path)
    for variable, keys in _ENVIRONMENT.items():
        if variable in os.environ:
            _set(table, keys, os.environ[variable])
    for keys, value in (flags or {}).items():
        _set(table, keys, value)
    return parse(table, str(path))


def parse(table: Mapping[str, object], source: str) -> Config:
    """Check a table against the settings; `source` is the file named in errors."""
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), source)) from error
    _check(config, source)
    return config


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > CONFIG_BYTES_MAX:
            raise ConfigError(f"{path}: larger than {CONFIG_BYTES_MAX} bytes; it should hold settings only")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}; correct that place") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error


def _set(table: dict[str, object], keys: tuple[str, ...], value: object) -> None:
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        table = inner
    table[keys[-1]] = value


def _explain(message: str, source: str) -> str:
    """Turn the validator's words into: file, key, what is wrong, remedy."""
    what, _, place = message.partition(" - at `$")
    where = place.rstrip("`").lstrip(".") or "(top level)"
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown:
        key = unknown[1]
        close = difflib.get_close_matches(key, sorted(_known_keys()), n=1)
        hint = f"did you mean `{close[0]}`?" if close else "remove it, or see config.example.toml"
        return f"{source}: unknown key `{key}` in {where}; {hint}"
    return f"{source}: {where}: {what[0].lower() + what[1:]}; see config.example.toml for the allowed values"


def _known_keys() -> set[str]:
    keys: set[str] = set()
    for table in _Table.__subclasses__():
        keys.update(table.__struct_fields__)
    return keys


def _check(config: Config, source: str) -> None:
    """Refuse what each key alone cannot show."""
    if config.backend.kind == "openai" and not config.backend.url:
        raise ConfigError(
            f'{source}: backend.url is missing; an "openai" backend needs the URL of its server'
        )
    if config.backend.kind == "openai" and not config.backend.models:
        raise ConfigError(f"{source}: backend.models is empty; name at least one model that the server has")
    if config.backend.kind == "embedded" and (config.backend.url or config.backend.models):
        raise ConfigError(
            f'{source}: backend.url and backend.models need kind = "openai"; the embedded engine takes none'
        )
    _check_privacy(config.privacy, source)
    for kind, names in (
        ("outbound", [outbound.name for outbound in config.outbound]),
        ("privacy.patterns", [pattern.name for pattern in config.privacy.patterns]),
        ("data", [data.name for data in config.data]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"{source}: {kind}: the name `{twice[0]}` stands twice; give each its own")
    for key in ("http", "grpc"):
        host = getattr(config.listen, key).rpartition(":")[0].strip("[]")
        if not (host == "localhost" or host == "::1" or re.fullmatch(r"127(\.\d{1,3}){3}", host)):
            raise ConfigError(
                f"{source}: listen.{key} is not a loopback address; programs of this machine use it, "
                "other machines use the mesh: set 127.0.0.1"
            )


def _check_privacy(privacy: Privacy, source: str) -> None:
    if privacy.terms or privacy.patterns or privacy.allow:
        owner_rules(privacy, source)


def owner_rules(privacy: Privacy, source: str = "settings") -> OwnerRules:
    """Return the owner's terms, patterns and allowed values, ready to use.

    Raises `ConfigError` with file, key and remedy when RE2 cannot take a pattern or two keys contradict.
    """
    # The detectors load slowly, and most commands read the settings without them.
    from islandrun.privacy.detect.owner import OwnerPattern, OwnerRules

    patterns = tuple(OwnerPattern(one.name, one.pattern, FindingType(one.type)) for one in privacy.patterns)
    try:
        return OwnerRules(privacy.terms, patterns, privacy.allow)
    except ConfigError as error:
        raise ConfigError(f"{source}: privacy.{error}") from None


def floors_of(privacy: Privacy) -> Floors:
    """Return the table of floors with the owner's changes."""
    from islandrun.privacy.floors import DEFAULT_FLOORS

    table = privacy.floors
    changed = {key: getattr(table, key) for key in table.__struct_fields__}
    return replace(DEFAULT_FLOORS, **{key: ppm(share) for key, share in changed.items() if share is not None})


def tier_of(word: str) -> Tier:
    """Return the tier with this name, such as "edge"."""
    return Tier[word.upper()]


def ppm(share: float) -> Ppm:
    """Return a share of 0 to 1 as parts per million."""
    return Ppm(round(share * 1_000_000))
