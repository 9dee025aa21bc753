"""`islandrun-node authority` and `groups`: who else may admit islands, and how far groups trust others."""

from __future__ import annotations

import click

from islandrun.trust.naming import display_id
from islandrun_node import delegation
from islandrun_node.cli.output import show, table
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session
from islandrun_node.config import ppm, tier_of
from islandrun_node.delegation import Admitter
from islandrun_node.rulings import Limits

_MILLION = 1_000_000


@click.group("authority")
def authority() -> None:
    """Let other machines admit islands, within limits, and end that.

    On the other machine run `authority request`; give what it prints to `authority add` here.
    """


@authority.command("request")
@click.pass_obj
def request(session: Session) -> None:
    """Print the key with which the owner can let this machine admit islands. It is no secret."""
    text = delegation.request(session.home)
    show(session, "authority-request/v1", {"key": text}, text)
    click.echo("On the owner's machine: islandrun-node authority add KEY --quota N --tier TIER", err=True)


@authority.command("add")
@click.argument("key")
@click.option("--quota", type=click.IntRange(1, 256), required=True, help="How many islands, in all.")
@click.option(
    "--tier",
    type=click.Choice(["personal", "edge", "cloud"]),
    required=True,
    help="The nearest it may grant.",
)
@click.option(
    "--trust", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="The most it may grant."
)
@click.option("--group", "groups", multiple=True, default=("home",), show_default=True, help="Repeatable.")
@click.option(
    "--jurisdiction", "places", multiple=True, metavar="CC", help="A place it may attest; repeatable."
)
@passphrase_option
@click.pass_obj
def add(
    session: Session,
    key: str,
    quota: int,
    tier: str,
    trust: float,
    groups: tuple[str, ...],
    places: tuple[str, ...],
) -> None:
    """Let the machine that printed KEY admit islands. Said again, the new limits replace the old."""
    limits = Limits(quota, tier_of(tier), ppm(trust), groups, places)
    delegation.add(session.home, key, limits, passphrase_of(session))
    shown = next(one for one in delegation.admitters(session.home) if one.key == delegation.read_key(key))
    show(session, "authority-add/v1", _facts(shown), shown.text)
    click.echo("A running node tells the mesh at once. There: islandrun-node invite", err=True)


@authority.command("list")
@click.pass_obj
def list_(session: Session) -> None:
    """List the machines that may admit islands, or could once."""
    found = delegation.admitters(session.home)
    rows = [
        (
            one.text[:17],
            one.state,
            f"{one.used} of {one.limits.admissions_max}",
            one.limits.tier.name.lower(),
            f"{one.limits.trust_ceiling_ppm / _MILLION:g}",
            ", ".join(one.limits.groups),
            str(len(one.holding)),
        )
        for one in found
    ]
    headings = ("admitter", "state", "admitted", "tier", "trust", "groups", "members")
    show(session, "authority-list/v1", {"admitters": [_facts(one) for one in found]}, table(headings, rows))


@authority.command("revoke")
@click.argument("key")
@click.option(
    "--keep",
    type=click.IntRange(0, 256),
    required=True,
    help="How many of its admissions hold on, counted from the first; 0 for none.",
)
@click.option("--last", default="", metavar="HASH", help="Which admission of that number, if it signed two.")
@click.option("--reason", default="", help="For the record; every member can read it.")
@passphrase_option
@click.pass_obj
def revoke(session: Session, key: str, keep: int, last: str, reason: str) -> None:
    """Let an admitter admit nobody any more, for good, and say which of its islands stay."""
    ended = delegation.cut_off(session.home, key, keep, last, reason, passphrase_of(session))
    facts = {"kept": list(ended.kept), "lost": list(ended.lost), "reason": reason}
    rows = [("stays", display_id(island)) for island in ended.kept]
    rows += [("is out", display_id(island)) for island in ended.lost]
    show(session, "authority-revoke/v1", facts, table(("", "island"), rows))
    click.echo("Ended. A running node tells the mesh at once; a stopped one when it runs again.", err=True)


def _facts(one: Admitter) -> dict[str, object]:
    return {
        "key": one.text,
        "state": one.state,
        "used": one.used,
        "quota": one.limits.admissions_max,
        "tier": one.limits.tier.name.lower(),
        "trust": one.limits.trust_ceiling_ppm / _MILLION,
        "groups": list(one.limits.groups),
        "jurisdictions": list(one.limits.jurisdictions),
        "members": list(one.holding),
    }


@click.group("groups")
def groups() -> None:
    """Show or set how far islands of one group trust those of another."""


@groups.command("set")
@click.argument("from_group", metavar="FROM")
@click.argument("to_group", metavar="TO")
@click.argument("trust", type=click.FloatRange(0, 1))
@passphrase_option
@click.pass_obj
def set_(session: Session, from_group: str, to_group: str, trust: float) -> None:
    """Let islands of group FROM trust those of group TO as far as TRUST, 0 to 1. It is one way."""
    delegation.set_group_trust(session.home, from_group, to_group, ppm(trust), passphrase_of(session))
    facts = {"from": from_group, "to": to_group, "trust": trust}
    show(session, "groups-set/v1", facts, f"{from_group} trusts {to_group} up to {trust:g}")


@groups.command("list")
@click.pass_obj
def matrix(session: Session) -> None:
    """List every pair of groups and the trust between them."""
    pairs = delegation.group_matrix(session.home)
    rows = [(one, other, f"{trust / _MILLION:g}") for one, other, trust in pairs]
    facts = [{"from": one, "to": other, "trust": trust / _MILLION} for one, other, trust in pairs]
    show(session, "groups-list/v1", {"groups": facts}, table(("from", "to", "trust"), rows))
