"""The test vectors by which another implementation can check itself.

`tests/vectors/attestations.json` holds public keys, payloads and signatures in hex; no secret. The keys come
from seeds that anybody can write down: owner `bytes(range(32))`, island `bytes(range(1, 33))`, auditor
`bytes(range(2, 34))`. Run this file to print the vectors anew.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from islandrun import errors
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    GroupTrustClaims,
    Header,
    RenewalClaims,
    RevocationClaims,
    SelfClaims,
    SuccessorClaims,
    VouchClaims,
)
from islandrun.trust.genesis import found, read_genesis
from islandrun.trust.ledger import key_of
from islandrun.trust.naming import display_id, island_id, read_display_id, spiffe_uri
from islandrun.trust.rulings import succession
from islandrun.trust.signing import SignedAttestation, sign, verify
from islandrun.vocabulary import DataSetOffer, ModelOffer, Ppm, PublicKey, Tier
from tests.signing_keys import public, signer

PATH = Path(__file__).parents[1] / "vectors" / "attestations.json"
NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ISLAND, AUDITOR, ADMITTER = (SigningKey(bytes(range(first, first + 32))) for first in range(4))


GENESIS = found(public(OWNER), "vectors", NOW, bytes(range(16)), signer(OWNER))


SUCCESSION = succession(GENESIS.mesh_id, public(ISLAND), public(AUDITOR))


def header(issuer: SigningKey, subject: SigningKey, slot: int = 0) -> Header:
    key = public(issuer), public(subject)
    return Header(GENESIS.mesh_id, *key, NOW, NOW, NOW, NOW + DAY, slot, 1, bytes(range(32)))


def statements() -> dict[str, tuple[Claims, SigningKey]]:
    """Return one statement of each form, with every field set."""
    model = ModelOffer("llama-3.1-8b", 131_072, Ppm(700_000), 150_000, 600_000, True, True)
    data_set = DataSetOffer("papers", 12, 3_456_789, Ppm(600_000), "DE-BY", "minilm")
    endpoints = ("laptop.example:7447", "[2001:db8::1]:7447")
    return {
        "self": (
            SelfClaims(
                header(ISLAND, ISLAND),
                "laptop",
                NOW,
                endpoints,
                (model,),
                (data_set,),
                4,
                ("DE",),
                "0.1.0",
                front=public(AUDITOR),
            ),
            ISLAND,
        ),
        "admission": (
            AdmissionClaims(
                header(OWNER, ISLAND, 1),
                Tier.EDGE,
                "office",
                Ppm(900_000),
                ("DE", "FR"),
                b"certificate",
                bytes(range(16)),
            ),
            OWNER,
        ),
        "revocation": (RevocationClaims(header(OWNER, ISLAND), public(ISLAND), "lost"), OWNER),
        "group trust": (GroupTrustClaims(header(OWNER, OWNER, 2), "home", "office", Ppm(500_000)), OWNER),
        "freshness": (FreshnessClaims(header(OWNER, OWNER, 3), bytes(range(32)), 5), OWNER),
        "certification": (
            CertificationClaims(header(AUDITOR, ISLAND), "iso27001", Ppm(800_000), bytes(range(32))),
            AUDITOR,
        ),
        **by_authorities(),
        "vouch": (VouchClaims(header(AUDITOR, ISLAND), Ppm(300_000)), AUDITOR),
    }


def by_authorities() -> dict[str, tuple[Claims, SigningKey]]:
    """Return one statement of each form that has to do with admitters and successors."""
    return {
        "admission by an admitter": (
            AdmissionClaims(
                header(ADMITTER, ISLAND), Tier.EDGE, "office", Ppm(600_000), ("DE",), b"certificate", number=2
            ),
            ADMITTER,
        ),
        "delegation": (
            DelegationClaims(
                header(OWNER, ADMITTER),
                public(ADMITTER),
                7,
                Tier.EDGE,
                Ppm(700_000),
                ("home", "office"),
                ("DE",),
            ),
            OWNER,
        ),
        "cut-off": (
            CutOffClaims(header(OWNER, ADMITTER), public(ADMITTER), 2, bytes(range(32)), "stolen"),
            OWNER,
        ),
        "successor": (
            SuccessorClaims(
                header(ADMITTER, ISLAND), public(ISLAND), public(AUDITOR), ISLAND.sign(SUCCESSION).signature
            ),
            ADMITTER,
        ),
        "renewal": (RenewalClaims(header(ADMITTER, ISLAND), public(ISLAND), b"certificate"), ADMITTER),
    }


def refused() -> dict[str, tuple[SignedAttestation, str]]:
    """Return statements that nobody may accept at `NOW`, with the reason."""
    claims, _ = statements()["admission"]
    good = sign(claims, signer(OWNER))
    by_itself = replace(claims, header=header(ISLAND, ISLAND))
    elsewhere = replace(claims, header=replace(claims.header, mesh_id=bytes(32)))
    about_itself, _ = statements()["self"]
    past = replace(about_itself.header, not_before_ms=NOW - 2 * DAY, not_after_ms=NOW - DAY)
    long = replace(about_itself.header, not_after_ms=NOW + DAY + 1)
    return {
        "a bit of the signature is flipped": (
            replace(good, signature=bytes([good.signature[0] ^ 1, *good.signature[1:]])),
            "BAD_SIGNATURE",
        ),
        "the kind is another one": (replace(good, kind="authority"), "BAD_SIGNATURE"),
        "an island admits itself": (sign(by_itself, signer(ISLAND)), "CONTRADICTION"),
        "another mesh": (sign(elsewhere, signer(OWNER)), "MALFORMED"),
        "past its end": (sign(replace(about_itself, header=past), signer(ISLAND)), "EXPIRED"),
        "a life of more than a day": (sign(replace(about_itself, header=long), signer(ISLAND)), "MALFORMED"),
    }


def hexed(signed: SignedAttestation) -> dict[str, str]:
    return {
        "kind": signed.kind,
        "payload": signed.payload.hex(),
        "issuer": signed.issuer.hex(),
        "signature": signed.signature.hex(),
    }


def unhexed(vector: dict[str, str]) -> SignedAttestation:
    payload, issuer, signature = (bytes.fromhex(vector[name]) for name in ("payload", "issuer", "signature"))
    return SignedAttestation(vector["kind"], payload, PublicKey(issuer), signature)


def build() -> dict[str, Any]:
    """Return the vectors as the code makes them."""
    accepted = []
    for name, (claims, key) in statements().items():
        signed = sign(claims, signer(key))
        accepted.append({"name": name, **hexed(signed), "place": key_of(claims).hex()})
    island = island_id(public(ISLAND))
    return {
        "schema": "islandrun.vectors.attestations/v1",
        "now_ms": NOW,
        "genesis": {
            "payload": GENESIS.payload.hex(),
            "signature": GENESIS.signature.hex(),
            "mesh_id": GENESIS.mesh_id.hex(),
            "owner": GENESIS.owner.hex(),
            "name": GENESIS.name,
        },
        "names": {
            "key": public(ISLAND).hex(),
            "island_id": island,
            "display_id": display_id(island),
            "spiffe_uri": spiffe_uri(island, GENESIS.mesh_id),
        },
        "accepted": accepted,
        "refused": [
            {"name": name, **hexed(signed), "reason": reason} for name, (signed, reason) in refused().items()
        ],
    }


def stored() -> dict[str, Any]:
    vectors = json.loads(PATH.read_text())
    assert isinstance(vectors, dict)
    return vectors


def vector_of(part: str, name: str) -> dict[str, str]:
    return next(vector for vector in stored()[part] if vector["name"] == name)


def test_the_vectors_are_what_the_code_makes() -> None:
    assert stored() == build()


def test_the_genesis_and_the_names_read_back() -> None:
    vectors = stored()
    parts = [bytes.fromhex(vectors["genesis"][name]) for name in ("payload", "signature", "mesh_id")]
    genesis = read_genesis(*parts)
    assert (genesis.owner.hex(), genesis.name) == (vectors["genesis"]["owner"], vectors["genesis"]["name"])
    names = vectors["names"]
    assert island_id(PublicKey(bytes.fromhex(names["key"]))) == names["island_id"]
    assert read_display_id(names["display_id"]) == names["island_id"]


@pytest.mark.parametrize("name", statements())
def test_an_accepted_statement_says_what_it_says(name: str) -> None:
    vector = vector_of("accepted", name)
    verified = verify(unhexed(vector), GENESIS, stored()["now_ms"])
    assert verified.claims == statements()[name][0]
    assert key_of(verified.claims).hex() == vector["place"]


@pytest.mark.parametrize("name", refused())
def test_a_refused_statement_is_refused_for_its_reason(name: str) -> None:
    vector = vector_of("refused", name)
    with pytest.raises(errors.RejectedMessage) as caught:
        verify(unhexed(vector), GENESIS, stored()["now_ms"])
    assert caught.value.reason == vector["reason"]


if __name__ == "__main__":
    print(json.dumps(build(), indent=2))
