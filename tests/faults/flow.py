"""What flows are made of: what they promise somebody outside, and the homes that they write in."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from islandrun.trust.ledger import Ledger
from islandrun_node import enrolment
from islandrun_node.admissions import read_ledger
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from tests.node.identity_kit import now_ms


@dataclass(frozen=True)
class Flow:
    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    check: Callable[[Path], None]


def say(folder: Path, word: object) -> None:
    """Note what somebody outside has been told; it survives us."""
    descriptor = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{word}\n".encode())
    os.close(descriptor)


def said(folder: Path) -> list[str]:
    path = folder / "said"
    return path.read_text().split("\n")[:-1] if path.exists() else []


def home_of(folder: Path, name: str = "home") -> Home:
    return Home(folder / name)


@contextmanager
def state(folder: Path, name: str = "home"):
    with closing(Database.open(home_of(folder, name).database)) as database:
        yield database


def ledger_of(database: Database, folder: Path, at_ms: int | None = None) -> Ledger:
    genesis = load_membership(home_of(folder)).genesis
    ledger = read_ledger(AttestationStore(database), genesis, at_ms or now_ms())
    assert not ledger.is_frozen(genesis.owner), "the owner contradicted itself"
    return ledger


def founded(folder: Path) -> None:
    enrolment.found_mesh(home_of(folder), "test", "laptop")


def nothing(folder: Path) -> None:
    """Need nothing beforehand."""
