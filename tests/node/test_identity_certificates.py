"""What our certificates hold, and which ones are taken for an admission."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from islandrun.errors import BadSignature, ExpiredAttestation, MalformedMessage
from islandrun.trust.naming import dns_name, spiffe_uri
from islandrun_node.certificates import (
    LEAF_LIFE_MS,
    admission_certificate,
    check_admission_certificate,
    check_leaf,
    island_anchor,
    join_anchor,
    owner_anchor,
    read_leaf,
    show_island,
    show_join,
)
from islandrun_node.identity import IslandKey, JoinKey, OwnerKey
from tests.node.hostile_certificates import certificate
from tests.node.identity_kit import now_ms

MESH = b"m" * 32
NOW = now_ms()
OWNER, ISLAND, OTHER = OwnerKey.generate(), IslandKey.generate(), IslandKey.generate()
DER = admission_certificate(OWNER, ISLAND.public, MESH, NOW, NOW + 10**9)


def chain() -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(show_island(ISLAND, DER, MESH, NOW).chain_pem)


def pem(part: x509.Certificate) -> bytes:
    return part.public_bytes(serialization.Encoding.PEM)


def test_the_chain_is_a_leaf_and_an_admission() -> None:
    leaf, admission = chain()
    facts = read_leaf(pem(leaf))
    assert (facts.dns, facts.uri) == (dns_name(ISLAND.id, MESH), spiffe_uri(ISLAND.id, MESH))
    assert facts.not_after_ms - NOW <= LEAF_LIFE_MS
    assert leaf.subject != leaf.issuer == admission.subject
    assert admission.public_bytes(serialization.Encoding.DER) == DER
    check_leaf(facts, ISLAND.public, NOW)


def test_an_admission_is_kept_to_one_name() -> None:
    admission = x509.load_der_x509_certificate(DER)
    constraints = admission.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    host = dns_name(ISLAND.id, MESH)
    assert constraints.value.permitted_subtrees == [x509.DNSName(host), x509.UniformResourceIdentifier(host)]
    assert constraints.value.excluded_subtrees is not None
    assert [str(tree.value) for tree in constraints.value.excluded_subtrees] == ["0.0.0.0/0", "::/0"]
    basic = admission.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)


def test_no_certificate_has_a_common_name() -> None:
    key = JoinKey.generate()
    pems = [
        owner_anchor(OWNER.public),
        island_anchor(ISLAND.public, MESH),
        show_join(key, MESH, NOW).chain_pem,
    ]
    pems += [join_anchor(key.public, MESH, NOW), *(pem(part) for part in chain())]
    for part in (cert for data in pems for cert in x509.load_pem_x509_certificates(data)):
        for name in (part.subject, part.issuer):
            assert name.get_attributes_for_oid(NameOID.COMMON_NAME) == []


def test_an_anchor_is_the_same_each_time_and_ends_with_its_token() -> None:
    key = JoinKey.generate().public
    assert owner_anchor(OWNER.public) == owner_anchor(OWNER.public)
    anchor = x509.load_pem_x509_certificate(join_anchor(key, MESH, NOW))
    assert anchor.not_valid_after_utc.timestamp() == NOW // 1000


def test_a_leaf_counts_for_its_signer_and_its_time_alone() -> None:
    facts = read_leaf(pem(chain()[0]))
    with pytest.raises(BadSignature):
        check_leaf(facts, OTHER.public, NOW)
    for moment in (facts.not_before_ms - 1, facts.not_after_ms):
        with pytest.raises(ExpiredAttestation):
            check_leaf(facts, ISLAND.public, moment)


def test_the_shown_key_is_hidden() -> None:
    assert "PRIVATE" not in repr(show_island(ISLAND, DER, MESH, NOW))


def test_a_true_admission_certificate_is_taken() -> None:
    check_admission_certificate(DER, OWNER.public, ISLAND.public, MESH, NOW)


def test_other_admission_certificates_are_not() -> None:
    check = check_admission_certificate
    with pytest.raises(BadSignature):
        check(DER, OTHER.public, ISLAND.public, MESH, NOW)
    with pytest.raises(MalformedMessage, match="another key"):
        check(DER, OWNER.public, OTHER.public, MESH, NOW)
    with pytest.raises(MalformedMessage, match="own name"):
        check(DER, OWNER.public, ISLAND.public, b"n" * 32, NOW)
    with pytest.raises(ExpiredAttestation, match="clocks"):
        check(DER, OWNER.public, ISLAND.public, MESH, NOW + 10**10)
    unbound = certificate(
        OWNER.for_x509(), x509.load_der_x509_certificate(DER).issuer, ISLAND.for_x509(), is_ca=True
    )
    with pytest.raises(MalformedMessage, match="no name constraints"):
        check(unbound.public_bytes(serialization.Encoding.DER), OWNER.public, ISLAND.public, MESH, NOW)
    for junk in (b"", b"junk", bytes(100_000), DER[:-1]):
        with pytest.raises(MalformedMessage):
            check(junk, OWNER.public, ISLAND.public, MESH, NOW)
