"""`islandrun-node audit`: check the log of receipts, export it, prove one receipt. No node is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from islandrun_node.cli.output import Exit, show, show_json, show_problem
from islandrun_node.cli.session import Session

if TYPE_CHECKING:
    from islandrun.audit.log import Checked
    from islandrun.vocabulary import PublicKey
    from islandrun_node.home import Home
    from islandrun_node.stores.heads import HeadStore
    from islandrun_node.stores.receipts import ReceiptStore


@click.group("audit")
def audit() -> None:
    """Check, export and prove the receipts of this node."""


@audit.command("verify")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def verify(session: Session, file: Path | None) -> int:
    """Check every signature, entry and head of this home's log, or of FILE, which needs no home.

    Ends with 1 at the first bad entry, and names it.
    """
    from islandrun.audit.log import Checked
    from islandrun.errors import AuditBroken
    from islandrun_node.audit_files import check_file, check_store

    try:
        if file is None:
            with _log(session.home) as (store, heads, origins):
                found, keys = check_store(store, heads, origins), origins
        else:
            checked, keys = check_file(file)
            if not isinstance(checked, Checked):
                receipt, head = checked
                content = {"ok": True, "receipt": receipt.id, "size": head.head.size, **_signers(keys)}
                text = f"receipt {receipt.id} is in the log of {head.head.size} entries"
                show(session, "audit/v1", content, f"{text}\n{_named(keys)}")
                return Exit.OK
            found = checked
    except AuditBroken as error:
        if session.json:
            show_json("audit/v1", {"ok": False, "entry": error.position, "problem": str(error)})
        else:
            hint = "what comes before it is in order; compare with a backup or an export"
            show_problem(str(error), hint)
        return Exit.ERROR
    show(session, "audit/v1", {"ok": True, **_facts(found), **_signers(keys)}, _text(found, keys))
    return Exit.OK


@audit.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export(session: Session, file: Path | None) -> None:
    """Write receipts, heads and proofs as JSON lines to the new FILE, or to stdout.

    It holds no text of a request. `audit verify FILE` checks it anywhere.
    """
    from islandrun_node.audit_files import export as lines

    with _log(session.home) as (store, heads, origins):
        if file is None:
            for line in lines(store, heads, origins):
                click.echo(line, nl=False)
            return
        from islandrun_node.home import write_private

        write_private(file, b"")
        with file.open("ab") as out:
            out.writelines(lines(store, heads, origins))
    click.echo(f"Written to {file}; check it with `islandrun-node audit verify {file}`.", err=True)


@audit.command("prove")
@click.argument("receipt_id")
@click.pass_obj
def prove(session: Session, receipt_id: str) -> None:
    """Print the proof that one receipt is in the log, with a head and who countersigned it.

    `audit verify FILE` checks it without the other receipts.
    """
    from islandrun_node.audit_files import prove as proof

    with _log(session.home) as (store, heads, _):
        click.echo(proof(store, heads, receipt_id), nl=False)


@contextmanager
def _log(home: Home) -> Iterator[tuple[ReceiptStore, HeadStore, tuple[PublicKey, ...]]]:
    """Open the log of a home beside its node, and name the keys that may have signed it."""
    from islandrun_node.log_of_home import opened_log

    with opened_log(home) as opened:
        yield opened


def _facts(found: Checked) -> dict[str, object]:
    return {
        "entries": found.entries,
        "receipts": found.receipts,
        "heads": found.heads,
        "cosignatures": found.cosignatures,
        "witnesses": [key.hex() for key in found.witnesses],
        "unsigned": found.unsigned,
        "unwitnessed": found.unwitnessed,
        "restorations": found.restorations,
    }


def _signers(keys: tuple[PublicKey, ...]) -> dict[str, object]:
    return {"origins": [key.hex() for key in keys]}


def _named(keys: tuple[PublicKey, ...]) -> str:
    from islandrun.trust.naming import island_id

    return f"signed by island {', '.join(island_id(key)[:8] for key in keys)}: compare it with `islands`"


def _text(found: Checked, keys: tuple[PublicKey, ...]) -> str:
    from islandrun.trust.naming import island_id

    names = ", ".join(island_id(key)[:8] for key in found.witnesses) or "nobody"
    lines = [
        f"in order: {found.entries} entries, {found.receipts} of them with their receipts",
        f"heads:     {found.heads}, countersigned {found.cosignatures} times by {names}",
        f"after the last head: {found.unsigned} entries; after the last witnessed one: {found.unwitnessed}",
        *([f"this log went on from an older copy {found.restorations} times"] if found.restorations else []),
        _named(keys),
    ]
    return "\n".join(lines)
