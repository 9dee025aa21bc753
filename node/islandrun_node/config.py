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
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from islandrun.errors import ConfigError
from islandrun.locality.catalog import AUTO
from islandrun.vocabulary import FindingType, Ppm, PublicKey, Tier
from islandrun_node.config_tables import Config, Privacy, Resources, Table, Trust

if TYPE_CHECKING:
    from islandrun.agents.quality import QualityTable
    from islandrun.privacy.detect.owner import OwnerRules
    from islandrun.privacy.floors import Floors
    from islandrun.routing.hosting import HostingRules
    from islandrun.routing.patience import WaitRules
    from islandrun.trust.score import TrustPolicy

CONFIG_BYTES_MAX = 1_048_576

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
    config = load_unchecked(path, flags)
    _check_policy(config, str(path))
    return config


def load_unchecked(path: Path, flags: Mapping[tuple[str, ...], object] | None = None) -> Config:
    """Read the settings as `load` does, but let the rules contradict themselves: `config check` says how."""
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
    for table in Table.__subclasses__():
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
    _check_trust(config.trust, source)
    _check_money(config, source)
    _check_listeners(config, source)
    _check_privacy(config.privacy, source)
    for kind, names in (
        ("outbound", [outbound.name for outbound in config.outbound]),
        ("trust.issuers", [issuer.name for issuer in config.trust.issuers]),
        ("privacy.patterns", [pattern.name for pattern in config.privacy.patterns]),
        ("data", [data.name for data in config.data]),
        ("policy.rule", [rule.name for rule in config.policy.rule]),
        ("policy.key", [key.name for key in config.policy.key]),
    ):
        if kind == "data" and AUTO in names:
            raise ConfigError(f"{source}: data: the name `{AUTO}` stands for a choice; give another name")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"{source}: {kind}: the name `{twice[0]}` stands twice; give each its own")


def _check_listeners(config: Config, source: str) -> None:
    if config.relay.serve and config.listen.reachable == "relayed":
        raise ConfigError(
            f'{source}: relay.serve needs an island that others can dial; set listen.reachable to "direct"'
        )
    for key in ("http", "grpc"):
        host = getattr(config.listen, key).rpartition(":")[0].strip("[]")
        if not (host == "localhost" or host == "::1" or re.fullmatch(r"127(\.\d{1,3}){3}", host)):
            raise ConfigError(
                f"{source}: listen.{key} is not a loopback address; programs of this machine use it, "
                "other machines use the mesh: set 127.0.0.1"
            )


def _check_trust(trust: Trust, source: str) -> None:
    if trust.required_schemes and not trust.issuers:
        raise ConfigError(
            f"{source}: trust.required_schemes needs an issuer that certifies them; add [[trust.issuers]]"
        )
    if trust.view_group_hours > trust.view_hours:
        raise ConfigError(
            f"{source}: trust.view_group_hours is over trust.view_hours, past which nobody is trusted"
        )


def _check_money(config: Config, source: str) -> None:
    power = config.power
    if power.currency != "USD" and power.usd_per_currency is None:
        raise ConfigError(
            f"{source}: power.usd_per_currency is missing; say how many US dollars one {power.currency} is"
        )
    zone_of(config.budget.time_zone, source)


def zone_of(name: str, source: str = "settings") -> tzinfo:
    """Return the time zone in which the owner's days begin. Raises `ConfigError` for an unknown one."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{source}: budget.time_zone: no zone {name!r} here; write one like Europe/Berlin, and where the "
            "system has no time zones run: pip install tzdata"
        ) from None


def _check_privacy(privacy: Privacy, source: str) -> None:
    if privacy.terms or privacy.patterns or privacy.allow:
        owner_rules(privacy, source)


def _check_policy(config: Config, source: str) -> None:
    if config.policy.rule:
        # Rules know what a request may hold, and that loads slowly.
        from islandrun_node.policy import check_rules

        check_rules(config, source)


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


def quality_table(config: Config) -> QualityTable:
    """Return the owner's figures for the quality of models by task, in the order of the file."""
    # The agents load slowly, and most commands read the settings without them.
    from islandrun.agents.quality import Override, QualityTable
    from islandrun.agents.tasks import Task

    overrides = []
    for pattern, table in config.quality.items():
        given = [(task, getattr(table, task)) for task in Task]
        figures = tuple((task, ppm(share)) for task, share in given if share is not None)
        overrides.append(Override(pattern, figures))
    return QualityTable(tuple(overrides))


def trust_policy(config: Config) -> TrustPolicy:
    """Return the owner's rules for trust."""
    # The statements load slowly, and most commands read the settings without them.
    from islandrun.trust.score import TrustPolicy

    tiers, trust = config.policy.tier_trust, config.trust
    return TrustPolicy(
        tier_base={
            Tier.PERSONAL: ppm(tiers.personal),
            Tier.EDGE: ppm(tiers.edge),
            Tier.CLOUD: ppm(tiers.cloud),
        },
        required_schemes=trust.required_schemes,
        accepted_issuers=issuers_of(trust),
        jurisdictions=trust.jurisdictions,
        view_group_ms_max=round(trust.view_group_hours * 3_600_000),
        view_ms_max=round(trust.view_hours * 3_600_000),
    )


def hosting_rules(resources: Resources) -> HostingRules:
    """Return the owner's rules on when requests run here."""
    from islandrun.routing.hosting import HostingRules, Whose

    return HostingRules(
        on_battery=Whose[resources.on_battery.upper()],
        battery_min_ppm=ppm(resources.battery_min),
        on_metered=Whose[resources.on_metered.upper()],
        quiet_minutes=tuple(_minutes(hours) for hours in resources.quiet_hours),
        cpu_max_ppm=ppm(resources.cpu_max),
    )


def wait_rules(resources: Resources) -> WaitRules:
    """Return how long requests wait by their profile."""
    from islandrun.routing.patience import WaitRules

    table = resources.wait_seconds
    return WaitRules({name: round(getattr(table, name) * 1_000) for name in table.__struct_fields__})


def _minutes(hours: str) -> tuple[int, int]:
    """Read "22:00-07:00" as two minutes since midnight."""
    begin, end = map(minute_of, hours.split("-"))
    return begin, end


def minute_of(time: str) -> int:
    """Read "22:00" as minutes since midnight."""
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


def issuers_of(trust: Trust) -> tuple[PublicKey, ...]:
    """Return the keys outside the mesh that the owner accepts."""
    return tuple(PublicKey(bytes.fromhex(issuer.key)) for issuer in trust.issuers)


def tier_of(word: str) -> Tier:
    """Return the tier with this name, such as "edge"."""
    return Tier[word.upper()]


def ppm(share: float) -> Ppm:
    """Return a share of 0 to 1 as parts per million."""
    return Ppm(round(share * 1_000_000))
