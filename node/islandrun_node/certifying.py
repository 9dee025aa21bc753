"""The side of an outside issuer: statements about an island by a key that is no member of the mesh.

A certification says that an island holds a scheme; a ceiling (a vouch) holds its trust down. Neither raises
trust above what the owner signed, and both count only on nodes whose settings list the issuer. Statements are
put into a member's home, whose node spreads them; the issuer's key needs to be nowhere but in its own file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from islandrun.errors import ConfigError
from islandrun.trust.claims import CertificationClaims, Claims, Header, VouchClaims
from islandrun.trust.signing import LIFE_MS_MAX, SignedAttestation, sign
from islandrun.vocabulary import IslandId, Ppm
from islandrun.wire.limits import SLOT_MAX
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger
from islandrun_node.enrolment import find_island
from islandrun_node.home import Home
from islandrun_node.identity import SecretKey, load_membership
from islandrun_node.stores.attestations import stored_statements

DAY_MS = 24 * 3600 * 1000
DAYS_MAX = LIFE_MS_MAX // DAY_MS
EVIDENCE_BYTES_MAX = 64 * 1024 * 1024


class IssuerKey(SecretKey):
    """What an outside issuer signs with."""


def certify(
    home: Home, issuer: IssuerKey, island: str, scheme: str, level_ppm: Ppm, days: int, evidence: Path | None
) -> IslandId:
    """State that an island holds a scheme at a level; a later statement on this scheme replaces it.

    `evidence` is a file whose SHA-256 is stated. Raises `EnrolmentRefused` when no single island is meant,
    `ConfigError` for evidence that cannot be read, `MalformedMessage` for a scheme that no reader takes.
    """
    digest = _digest(evidence) if evidence is not None else b""
    slot = int.from_bytes(hashlib.sha256(scheme.encode()).digest()[:4], "big") & SLOT_MAX
    return _state(
        home,
        issuer,
        island,
        f"certification {scheme}",
        days,
        slot,
        lambda header: CertificationClaims(header, scheme, level_ppm, digest),
    )


def hold_down(home: Home, issuer: IssuerKey, island: str, ceiling_ppm: Ppm, days: int) -> IslandId:
    """State the most that an island may be trusted; a later ceiling of the same issuer replaces it.

    Raises as `certify`.
    """
    return _state(home, issuer, island, "vouch", days, 0, lambda header: VouchClaims(header, ceiling_ppm))


def _state(
    home: Home,
    issuer: IssuerKey,
    island: str,
    what: str,
    days: int,
    slot: int,
    claims: Callable[[Header], Claims],
) -> IslandId:
    """Sign a statement and keep it. Its sequence is on the disk before the statement exists."""
    if not 0 < days <= DAYS_MAX:
        raise ConfigError(f"a statement of an issuer holds for 1 to {DAYS_MAX} days; choose a number inside")
    genesis, now_ms = load_membership(home).genesis, world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, genesis, now_ms, (issuer.public,))
        target = find_island(ledger, island)
        subject = ledger.public_key(target)
        assert subject is not None, "an island that is found has a key"
        sequence = store.next_sequence(f"{what}:{issuer.public.hex()}:{subject.hex()}", now_ms)
        end_ms = now_ms + days * DAY_MS
        header = Header.made_now(genesis.mesh_id, issuer.public, subject, sequence, now_ms, end_ms, slot)
        signed: SignedAttestation = sign(claims(header), issuer.sign)
        store.save(signed)
    return target


def _digest(path: Path) -> bytes:
    try:
        if path.stat().st_size > EVIDENCE_BYTES_MAX:
            raise ConfigError(f"{path} is larger than {EVIDENCE_BYTES_MAX} bytes; give the certificate alone")
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; name another file") from error
