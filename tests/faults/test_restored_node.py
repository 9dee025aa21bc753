"""A real node restored from an old backup: it is heard again, and contradicts nothing it said before."""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from islandrun.trust.naming import island_id
from islandrun_node.admissions import read_ledger
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from tests.faults.islands import Node, mesh_of, on_loopback, started, until
from tests.node.identity_kit import now_ms

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
AHEAD_MS = 3_600_000


def command(node: Node, *words: str) -> None:
    line = [sys.executable, "-m", "islandrun_node", "--home", str(node.home.path), *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def sequence_at(observer: Node, about: Node) -> int:
    """Return the newest sequence of an island that another node holds on its disk."""
    membership = load_membership(about.home)
    with closing(Database.open(observer.home.database)) as database:
        ledger = read_ledger(AttestationStore(database), membership.genesis, now_ms())
    assert not ledger.is_frozen(membership.key.public), "it contradicted itself"
    claims = ledger.self_claims(island_id(membership.key.public))
    return claims.header.sequence if claims else 0


def test_a_restored_node_speaks_above_what_it_said_since(tmp_path: Path) -> None:
    """The mesh holds a sequence an hour ahead of the restored clock, as when that clock was set back."""
    with mesh_of(tmp_path, on_loopback(2)) as (owner, office):
        command(office, "backup", str(tmp_path / "backup"))
        office.kill()
        with closing(Database.open(office.home.database)) as database:
            ahead = now_ms() + AHEAD_MS
            with database.transaction() as cursor:
                cursor.execute("UPDATE sequences SET last = ?", (ahead,))
        started([office])
        until(lambda: sequence_at(owner, office) > ahead, 20, "the owner heard the newer one")
        newest = sequence_at(owner, office)
        office.kill()
        command(office, "restore", str(tmp_path / "backup"))
        position, began = owner.position(), time.monotonic()
        started([office])
        until(lambda: sequence_at(owner, office) > newest, 30, "it speaks above what it had said")
        print(f"\nheard again {time.monotonic() - began:.1f} s after the start of the restored node")
        until(lambda: owner.sees(office, position) in ("", "alive"), 20, "it is routable")
        assert list(office.home.path.glob("replaced-*/state.db"))
        running = json.loads(office.home.running.read_text())
        assert running["pid"] == office.pid
