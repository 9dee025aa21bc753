"""Names of islands: their form, what a typo does, and certificates that must not pass."""

import base64
import hashlib
import random

import pytest

from islandrun.errors import MalformedMessage
from islandrun.trust.naming import (
    display_id,
    dns_name,
    is_island_id,
    island_id,
    island_of_spiffe_uri,
    join_name,
    read_display_id,
    spiffe_uri,
    trust_domain,
)
from islandrun.vocabulary import IslandId, PublicKey

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
MESH = bytes(range(32))
KEY = PublicKey(bytes(range(1, 33)))


def test_an_id_is_the_base32_of_the_hash_of_the_key() -> None:
    island = island_id(KEY)
    assert base64.b32decode(island.upper() + "====") == hashlib.sha256(KEY).digest()
    assert len(island) == 52
    assert is_island_id(island)


@pytest.mark.parametrize("text", ["", "a" * 51, "A" * 52, "a" * 51 + "b", "a" * 52 + "\n", "1" * 51 + "a"])
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_island_id(text)


def test_the_names_of_a_mesh_have_the_form_of_the_protocol() -> None:
    island = island_id(KEY)
    domain = trust_domain(MESH)
    assert domain == "maaaqeayeau.islandrun.internal"
    assert dns_name(island, MESH) == f"{island}.{domain}"
    assert spiffe_uri(island, MESH) == f"spiffe://{island}.{domain}/island"
    assert join_name(KEY, MESH) == f"{island}.join.{domain}"
    assert all(len(label) <= 63 for label in join_name(KEY, MESH).split("."))


def test_a_displayed_id_reads_back_however_it_is_written() -> None:
    island = island_id(KEY)
    shown = display_id(island)
    assert [len(group) for group in shown.split("-")] == [7] * 8
    for written in (shown, shown.lower(), shown.replace("-", ""), shown.replace("-", " "), f"  {shown}\n"):
        assert read_display_id(written) == island


def test_every_single_typo_is_noticed_and_its_part_is_named() -> None:
    shown = display_id(island_id(KEY)).replace("-", "")
    for place, right in enumerate(shown):
        for wrong in ALPHABET.replace(right, ""):
            with pytest.raises(MalformedMessage, match=f"part {place // 14 + 1} of 4"):
                read_display_id(shown[:place] + wrong + shown[place + 1 :])


def test_swapped_neighbours_are_noticed_but_for_one_pair() -> None:
    dice = random.Random(1)
    for _ in range(200):
        shown = display_id(island_id(PublicKey(dice.randbytes(32)))).replace("-", "")
        for place in range(len(shown) - 1):
            one, other = shown[place], shown[place + 1]
            if one == other or {one, other} == {"A", "7"} or place % 14 == 13:
                continue
            with pytest.raises(MalformedMessage):
                read_display_id(shown[:place] + other + one + shown[place + 2 :])


@pytest.mark.parametrize("text", ["", "A", "A" * 55, "A" * 57, "1" * 56, "ß" * 56, "A" * 55 + "0"])
def test_what_is_no_id_at_all_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_display_id(text)


def test_the_uri_of_a_certificate_must_have_exactly_our_form() -> None:
    island = island_id(KEY)
    uri = spiffe_uri(island, MESH)
    assert island_of_spiffe_uri(uri, MESH) == island
    hostile = [
        "",
        uri + "/",
        uri + "#x",
        uri + "?x",
        uri.upper(),
        uri.replace("spiffe", "https"),
        uri.replace("spiffe://", "spiffe://x@"),
        uri.replace("/island", ":1/island"),
        uri.replace("/island", "/join"),
        uri.replace(island, island[:-1] + "b"),
        uri.replace(island, f"x.{island}"),
        uri.replace(island, ""),
        spiffe_uri(IslandId("%61" + island[3:]), MESH),
        spiffe_uri(island, bytes(32)),
        f"{uri}/../island",
        f" {uri}",
    ]
    for wrong in hostile:
        with pytest.raises(MalformedMessage):
            island_of_spiffe_uri(wrong, MESH)
