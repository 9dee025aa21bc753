"""Join tokens: they come back as they went, and every damage is named without repeating the token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import EnrolmentRefused
from islandrun.vocabulary import PublicKey
from islandrun_node.join_token import PREFIX, JoinToken, encode, parse, token_id

SOON = 2_000_000_000
NOW_MS = (SOON - 60) * 1000
TOKEN = JoinToken(b"m" * 32, PublicKey(b"k" * 32), b"s" * 16, SOON, ("192.0.2.7:8471", "[2001:db8::1]:8471"))


def refusal(text: str, now_ms: int = NOW_MS) -> str:
    with pytest.raises(EnrolmentRefused) as refused:
        parse(text, now_ms)
    return str(refused.value)


@settings(deadline=None)
@given(
    mesh_id=st.binary(min_size=32, max_size=32),
    issuer=st.binary(min_size=32, max_size=32),
    seed=st.binary(min_size=16, max_size=16),
    port=st.integers(1, 65535),
    names=st.lists(st.from_regex(r"[a-z0-9.-]{1,60}", fullmatch=True), min_size=1, max_size=8),
)
def test_a_token_comes_back_as_it_went(mesh_id, issuer, seed, port, names) -> None:
    token = JoinToken(mesh_id, PublicKey(issuer), seed, SOON, tuple(f"{name}:{port}" for name in names))
    text = encode(token)
    assert parse(text, NOW_MS) == token
    assert parse(f" {text.upper()[:40]}-{text.upper()[40:]}\n", NOW_MS) == token


@settings(deadline=None)
@given(st.data())
def test_one_wrong_character_is_noticed(data) -> None:
    text = encode(TOKEN)
    at = data.draw(st.integers(len(PREFIX), len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz").filter(lambda c: c != text[at]))
    words = refusal(text[:at] + other + text[at + 1 :])
    assert "typo" in words or "cut short" in words
    assert text[10:30] not in words


@settings(deadline=None)
@given(st.integers(len(PREFIX), len(encode(TOKEN)) - 1))
def test_a_token_cut_anywhere_says_so(length: int) -> None:
    assert "cut short" in refusal(encode(TOKEN)[:length])


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    refusal(text)
    refusal(PREFIX + text)


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    text = encode(TOKEN)
    misread = PREFIX + text[len(PREFIX) :].replace("0", "O").replace("1", "l")
    assert parse(misread, NOW_MS) == TOKEN


def test_an_old_token_says_how_old() -> None:
    assert "expired 2 min ago" in refusal(encode(TOKEN), (SOON + 120) * 1000)
    assert "expired 0 min ago" in refusal(encode(TOKEN), SOON * 1000)


def test_a_token_of_another_version_says_so() -> None:
    import hashlib

    from islandrun_node import base32

    body = b"\x02" + bytes(200)
    text = PREFIX + base32.write(body + hashlib.sha256(body).digest()[:4])
    assert "another version" in refusal(text)


def test_text_that_is_no_token_is_named() -> None:
    assert 'begins with "irj1_"' in refusal("hello")
    assert "at most" in refusal(PREFIX + "0" * 5000)
    assert "character" in refusal(PREFIX + "uuuu")
    assert "typo" in refusal(encode(TOKEN) + "0")


@pytest.mark.parametrize("addresses", [(), ("x:1",) * 9, ("no-port",), ("a b:1",), ("x:99999",)])
def test_wrong_addresses_are_refused_when_a_token_is_made(addresses: tuple[str, ...]) -> None:
    with pytest.raises(EnrolmentRefused):
        encode(JoinToken(TOKEN.mesh_id, TOKEN.issuer, TOKEN.seed, SOON, addresses))


def test_the_seed_is_not_shown_and_does_not_name_the_token() -> None:
    assert "s" * 8 not in repr(TOKEN)
    assert TOKEN.seed not in token_id(TOKEN.join_key().public)


def test_the_key_depends_on_seed_and_mesh() -> None:
    other_mesh = JoinToken(b"n" * 32, TOKEN.issuer, TOKEN.seed, SOON, TOKEN.addresses)
    other_seed = JoinToken(TOKEN.mesh_id, TOKEN.issuer, b"t" * 16, SOON, TOKEN.addresses)
    keys = {token.join_key().public for token in (TOKEN, other_mesh, other_seed)}
    assert len(keys) == 3
    assert TOKEN.join_key().public == TOKEN.join_key().public


def test_a_token_fits_a_qr_code() -> None:
    assert len(encode(JoinToken(TOKEN.mesh_id, TOKEN.issuer, TOKEN.seed, SOON, TOKEN.addresses[:1]))) < 200
