"""Words in an owner's rules that mean something only in a mesh: groups, islands, schemes, keys, data sets.

`config check` compares them with what this home knows. A word that nobody knows leaves nothing reachable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from islandrun.routing.rule_check import Problem
from islandrun.routing.rules import LOCAL_CALLER
from islandrun_node import config_tables as tables
from islandrun_node.config import issuers_of
from islandrun_node.home import Home
from islandrun_node.state import State, open_state
from islandrun_node.stores.client_keys import ClientKeyStore


@dataclass(frozen=True, slots=True)
class Known:
    """What a home knows of its mesh."""

    groups: frozenset[str]
    islands: frozenset[str]
    schemes: frozenset[str]
    keys: frozenset[str]
    data_sets: frozenset[str]


def known_in(home: Home, config: tables.Config) -> Known:
    """Read what a member's home knows. Raises `StateError`."""
    with ExitStack() as stack:
        state = open_state(home, stack, issuers_of(config.trust))
        ledger = state.ledger
        admissions = [found for one in ledger.islands() if (found := ledger.admission(one)) is not None]
        return Known(
            groups=frozenset(claims.group for claims in admissions),
            islands=frozenset(ledger.islands()),
            schemes=frozenset(
                claims.scheme for one in ledger.islands() for claims in ledger.certifications(one)
            ),
            keys=frozenset(key.name for key in ClientKeyStore(state.database).listed()),
            data_sets=_data_sets(state, config),
        )


def unknown_words(policy: tables.Policy, known: Known) -> Iterator[Problem]:
    """Yield the words of rules that nothing in the mesh answers to."""
    for number, rule in enumerate(policy.rule):
        place = f"policy.rule[{number}] ({rule.name})"
        for key, words, is_known, remedy, is_fatal in _checked(rule, known):
            for word in words or ():
                if not is_known(word):
                    yield Problem(f"{place}.{key}", f"this mesh knows no `{word}`", remedy, is_fatal)
    for number, limits in enumerate(policy.key):
        if limits.name not in known.keys | {"*"}:
            what, remedy = f"there is no client key `{limits.name}`", "run `islandrun-node keys add`"
            yield Problem(f"policy.key[{number}]", what, remedy, is_fatal=False)


Check = tuple[str, tuple[str, ...] | None, Callable[[str], bool], str, bool]


def _checked(rule: tables.Rule, known: Known) -> Iterator[Check]:
    yield (
        "groups",
        rule.groups,
        known.groups.__contains__,
        f"the groups are {', '.join(sorted(known.groups))}",
        True,
    )
    yield "islands", rule.islands, lambda word: _is_island(word, known), "see `islandrun-node islands`", True
    yield (
        "certifications",
        rule.certifications,
        known.schemes.__contains__,
        "no island is certified so; see `islandrun-node certify`",
        False,
    )
    keys = known.keys | {LOCAL_CALLER}
    yield "keys", rule.keys, keys.__contains__, "run `islandrun-node keys list`", False
    yield "data_sets", rule.data_sets, known.data_sets.__contains__, "see `islandrun-node islands`", False


def _is_island(word: str, known: Known) -> bool:
    return word == "self" or any(island.startswith(word) for island in known.islands)


def _data_sets(state: State, config: tables.Config) -> frozenset[str]:
    ledger = state.ledger
    stated = {
        offer.name
        for island in ledger.islands()
        if (claims := ledger.self_claims(island)) is not None
        for offer in claims.data_sets
    }
    return frozenset(stated | {data.name for data in config.data})
