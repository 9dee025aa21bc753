"""What `doctor` looks at. Each check is a function that returns what it found and how to mend it.

A check never changes anything, and one that breaks counts as a failure of its own.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from islandrun.errors import IslandRunError
from islandrun_node.cli.findings import Check, State
from islandrun_node.cli.hardware import hardware
from islandrun_node.cli.output import CommandFailed, Exit
from islandrun_node.cli.session import Session
from islandrun_node.home import Home, read_private

if TYPE_CHECKING:
    from islandrun.v1 import attestation_pb2, status_pb2
    from islandrun_node.config_tables import Config

PYTHON_MIN: Final = (3, 11)
SKEW_MINUTES_MAX: Final = 5
CONNECT_SECONDS: Final = 2.0
CALL_SECONDS: Final = 5.0
NAMED_MAX: Final = 8
ROWS_MAX: Final = 20_000

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)[^;>]*(?:>=\s*([0-9.]+))?[^;]*(;.*)?")


class _Statement(Protocol):
    """What all signed statements have in common."""

    @property
    def header(self) -> attestation_pb2.Header:
        """Who says it of whom, and when."""
        ...

    def ParseFromString(self, serialized: bytes) -> int:  # noqa: N802 - protobuf's name
        """Read it from bytes."""
        ...


def all_checks(session: Session) -> list[Check]:
    """Run every check, in the order in which one would mend things."""
    home = session.home
    checks: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("home", lambda: _home(home)),
        ("keys", lambda: _keys(home)),
        ("settings", lambda: _settings(home)),
        ("state file", lambda: _state_file(home)),
        ("clock", lambda: _clock(home)),
        ("node", lambda: _node(session)),
        ("engine", lambda: _engine(home)),
        ("hardware", hardware),
        ("detectors", lambda: _detectors(home)),
    )
    found: list[Check] = []
    for name, check in checks:
        try:
            found.extend(check())
        except IslandRunError as error:
            text, _, remedy = str(error).partition("; ")
            found.append(Check(name, State.FAIL, text, remedy or "see the finding"))
        except Exception as error:
            found.append(Check(name, State.FAIL, f"broke: {type(error).__name__}", "reinstall islandrun"))
    return found


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON_MIN:
        yield Check("python", State.OK, version)
    else:
        wanted = ".".join(map(str, PYTHON_MIN))
        yield Check("python", State.FAIL, f"{version} is too old", f"install Python {wanted} or newer")


def _packages() -> Iterator[Check]:
    """Compare what is installed with what the distribution asks for."""
    wrong, count = [], 0
    for line in importlib.metadata.requires("islandrun") or ():
        parts = _REQUIREMENT.fullmatch(line)
        if parts is None or parts[3]:
            continue  # an extra, or only on other systems
        count += 1
        try:
            installed = importlib.metadata.version(parts[1])
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{parts[1]} is missing")
            continue
        if parts[2] and _numbers(installed) < _numbers(parts[2]):
            wrong.append(f"{parts[1]} {installed} is older than {parts[2]}")
    if wrong:
        yield Check("packages", State.FAIL, "; ".join(wrong), "run: pip install --upgrade islandrun")
    else:
        yield Check("packages", State.OK, f"{count} of {count} present")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _home(home: Home) -> Iterator[Check]:
    if not home.path.is_dir():
        yield Check("home", State.WARN, f"{home.path} does not exist", "run `islandrun-node init` or `join`")
        return
    open_ones = [
        str(folder)
        for folder in (home.path, home.keys)
        if folder.is_dir() and os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077
    ]
    if open_ones:
        what = f"others can look into {', '.join(open_ones)}"
        yield Check("home", State.FAIL, what, f"run: chmod 700 {' '.join(open_ones)}")
    elif not os.access(home.path, os.W_OK):
        yield Check("home", State.FAIL, f"{home.path} cannot be written", "run as its owner")
    else:
        yield Check("home", State.OK, str(home.path))


def _keys(home: Home) -> Iterator[Check]:
    from islandrun.trust.naming import display_id, island_id
    from islandrun_node.identity import load_membership

    if not home.is_member:
        yield Check("keys", State.WARN, "this home belongs to no mesh", "run `islandrun-node init` or `join`")
        return
    membership = load_membership(home)
    who = display_id(island_id(membership.key.public))
    is_owner = membership.owner is not None or membership.is_locked
    yield Check("keys", State.OK, f"island {who}{', owner of the mesh' if is_owner else ''}")
    if is_owner:
        yield from _root(home, membership.is_locked)
    if home.token.exists():
        read_private(home.token)


def _root(home: Home, is_locked: bool) -> Iterator[Check]:
    """Say whether the owner's key is locked, and whether anybody waits for the owner."""
    from islandrun_node.invitations import invites
    from islandrun_node.stores.tokens import InviteState

    if is_locked:
        yield Check("root", State.OK, "locked; renewals and joins wait for `islandrun-node root unlock`")
    else:
        yield Check("root", State.OK, "open; `islandrun-node root lock` puts it under a passphrase")
    if not home.database.exists():
        return
    waiting = [invite.name for invite in invites(home) if invite.state is InviteState.PENDING]
    if waiting:
        remedy = f"run: islandrun-node invites approve {waiting[0]}"
        yield Check("invites", State.WARN, f"{len(waiting)} machines wait to join", remedy)


def _settings(home: Home) -> Iterator[Check]:
    from islandrun_node.config import load

    load(home.config)
    yield Check("settings", State.OK, str(home.config) if home.config.exists() else "all defaults")


def _state_file(home: Home) -> Iterator[Check]:
    from islandrun_node.stores.database import Database

    if not home.database.exists():
        yield Check("state file", State.OK, "none yet")
        return
    database = Database.open(home.database)
    try:
        verdict = database.check()
    finally:
        database.close()
    if verdict == "ok":
        yield Check("state file", State.OK, f"{home.database.stat().st_size // 1024} KiB, whole")
    else:
        remedy = "stop the node and restore it from a backup, or move it away and join again"
        yield Check("state file", State.FAIL, f"damaged: {verdict}", remedy)


def _clock(home: Home) -> Iterator[Check]:
    """Compare the clock with the newest statement that others have signed: time cannot be before it."""
    from islandrun_node import world_clock

    if not home.database.exists():
        yield Check("clock", State.OK, "nothing to compare it with yet")
        return
    behind = (_newest_statement_ms(home) - world_clock.now().wall_ms) / 60_000
    if behind > SKEW_MINUTES_MAX:
        what = f"at least {behind:.0f} minutes behind a statement of this mesh"
        yield Check("clock", State.FAIL, what, "set the time, for example: timedatectl set-ntp true")
    else:
        yield Check("clock", State.OK, "not behind any statement of this mesh")


def _newest_statement_ms(home: Home) -> int:
    from islandrun.v1 import attestation_pb2
    from islandrun_node.stores.database import Database

    kinds: dict[str, Callable[[], _Statement]] = {
        "self": attestation_pb2.SelfAttestation,
        "admission": attestation_pb2.Admission,
        "authority": attestation_pb2.AuthorityStatement,
        "certification": attestation_pb2.Certification,
        "vouch": attestation_pb2.Vouch,
    }
    database = Database.open(home.database)
    try:
        rows = database.read("SELECT kind, payload FROM attestations LIMIT ?", (ROWS_MAX,))
    finally:
        database.close()
    newest = 0
    for kind, payload in rows:
        if isinstance(payload, bytes) and kind in kinds:
            statement = kinds[str(kind)]()
            statement.ParseFromString(payload)
            newest = max(newest, statement.header.issued_at_ms)
    return newest


def _node(session: Session) -> Iterator[Check]:
    """Ask the running node how it and its mesh are; without one, see that its ports are free."""
    from islandrun.v1 import status_pb2
    from islandrun_node.cli.reading import Stubs, with_node

    async def read(node: Stubs) -> tuple[status_pb2.MeshStatus, list[status_pb2.Island]]:
        status = await node.status.GetMeshStatus(status_pb2.GetMeshStatusRequest(), timeout=CALL_SECONDS)
        islands = await node.status.ListIslands(status_pb2.ListIslandsRequest(), timeout=CALL_SECONDS)
        return status.status, list(islands.islands)

    try:
        status, islands = with_node(session, read)
    except CommandFailed as error:
        is_down = error.exit_code is Exit.NOT_REACHABLE
        yield Check("node", State.WARN if is_down else State.FAIL, str(error), error.hint)
        if is_down:
            yield from _ports(session.home)
        return
    yield Check("node", State.OK, f"runs, version {status.version}")
    for reason in status.degraded:
        yield Check("node", State.WARN, reason, "see the log of the node")
    yield _mesh(islands)


def _mesh(islands: list[status_pb2.Island]) -> Check:
    from islandrun.v1 import status_pb2

    others = [
        island for island in islands if not island.is_self and island.standing == status_pb2.STANDING_ADMITTED
    ]
    lost = [island.name for island in others if island.reachability == status_pb2.REACHABILITY_UNREACHABLE]
    if not lost:
        return Check("mesh", State.OK, f"{len(others)} other islands, none out of reach")
    named = ", ".join(lost[:NAMED_MAX]) + (" and more" if len(lost) > NAMED_MAX else "")
    remedy = "see that they run, and that listen.advertise names addresses which this machine can reach"
    return Check("mesh", State.WARN, f"{len(lost)} of {len(others)} out of reach: {named}", remedy)


def _ports(home: Home) -> Iterator[Check]:
    from islandrun_node.config import load

    listen = load(home.config).listen
    for name in ("mesh", "http", "grpc"):
        address = getattr(listen, name)
        host, _, port = address.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), int(port)))
            except (OSError, OverflowError) as error:
                what = f"{address} cannot be used: {error}"
                remedy = f"stop the other program, or set listen.{name} to a free port"
                yield Check(f"port {name}", State.FAIL, what, remedy)
                continue
        yield Check(f"port {name}", State.OK, f"{address} is free")


def _engine(home: Home) -> Iterator[Check]:
    from islandrun_node.config import load

    config = load(home.config)
    if config.backend.kind == "embedded":
        from islandrun_node.backends.embedder import Embedder

        Embedder().embed(["hello"])
        yield Check("engine", State.OK, "embedded; it quotes documents, no language model is attached")
    for name, url in _engine_urls(config):
        yield _reach(name, url)


def _engine_urls(config: Config) -> list[tuple[str, str]]:
    own = [("engine", config.backend.url)] if config.backend.url else []
    return [*own, *((f"outbound {outbound.name}", outbound.url) for outbound in config.outbound)]


def _reach(name: str, url: str) -> Check:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        remedy = "start that server, or correct its url in the settings"
        return Check(name, State.WARN, f"{host}:{port} does not answer: {error}", remedy)
    return Check(name, State.OK, f"{host}:{port} answers")


def _detectors(home: Home) -> Iterator[Check]:
    """Load what looks at texts, and let it read one: the node would do both at its first request."""
    from islandrun.vocabulary import Message, Prompt
    from islandrun_node.config import load
    from islandrun_node.detectors import load_watch

    watch = load_watch(load(home.config).privacy)
    found = watch.assess(Prompt((Message("user", "Please write to Aoife Brennan in Leeds."),)))
    if not any(detector.finds_names for detector in watch.detectors):
        yield Check(
            "detectors",
            State.WARN,
            "rules only: nobody looks for names in free text, so it is never public",
            'set privacy.detector = "full"',
        )
    elif not any(found.findings):
        remedy = "install islandrun again; until then nothing can be judged"
        yield Check(
            "detectors", State.FAIL, "the trained detector finds no name in a sentence with one", remedy
        )
    else:
        yield Check("detectors", State.OK, "rules and the trained detector read a sentence")
