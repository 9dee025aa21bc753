"""A delegated admitter and real mTLS: it admits a third island; after its cut-off that island is nobody."""

import grpc
import pytest

from islandrun.errors import EnrolmentRefused
from islandrun.trust.claims import AdmissionClaims, decode
from islandrun.trust.rulings import succession
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import Ppm, PublicKey, Standing, Tier
from islandrun_node.admissions import ADMISSION_LIFE_MS, admit, check_may_admit, renew, renew_due, take_away
from islandrun_node.certificates import Shown, show_island
from islandrun_node.identity import AdmitterKey, IslandKey
from islandrun_node.rulings import Desk, Limits, pair_slot
from islandrun_node.stores.tokens import Grant
from tests.node.identity_kit import Member, SmallMesh, exchange, listening, now_ms

OFFICE = Grant(Tier.EDGE, "office", Ppm(600_000))


@pytest.fixture
def mesh(tmp_path):
    mesh = SmallMesh.found(tmp_path)
    yield mesh
    mesh.database.close()


@pytest.fixture
def admitter(mesh: SmallMesh) -> AdmitterKey:
    """Return a key that may admit two islands to the office."""
    key = AdmitterKey.generate()
    mesh.learn(owner_desk(mesh).delegate(key.public, Limits(2, Tier.EDGE, Ppm(700_000), ("office",))))
    return key


def owner_desk(mesh: SmallMesh, at_ms: int | None = None) -> Desk:
    return Desk(mesh.owner, mesh.genesis, mesh.store, at_ms or now_ms())


def admitted_by(mesh: SmallMesh, admitter: AdmitterKey, at_ms: int | None = None) -> Member:
    key = IslandKey.generate()
    record = admit(admitter, mesh.genesis, mesh.store, key.public, OFFICE, at_ms or now_ms())
    return Member(key, mesh.take(record), record)


def cut_off(mesh: SmallMesh, admitter: AdmitterKey, last: SignedAttestation | None) -> None:
    claims = mesh.learn(last) if last is not None else None
    number = claims.number if isinstance(claims, AdmissionClaims) else 0
    mesh.learn(owner_desk(mesh).cut_off(admitter.public, number, last.hash if last else b"", "stolen"))


async def called(mesh: SmallMesh, target: PublicKey, address: str, shown: Shown) -> grpc.StatusCode:
    return await exchange(address, target, shown, mesh.mesh_id)


async def test_an_island_of_an_admitter_calls_and_is_called_until_the_cut_off(
    mesh: SmallMesh, admitter: AdmitterKey
) -> None:
    host, guest, late = mesh.admit(), admitted_by(mesh, admitter), admitted_by(mesh, admitter)
    async with listening(mesh, host) as ours, listening(mesh, guest) as theirs:
        there = host.key.public, ours.address
        back = guest.key.public, theirs.address
        assert await called(mesh, *there, guest.shown(mesh.mesh_id)) is grpc.StatusCode.OK
        assert await called(mesh, *there, late.shown(mesh.mesh_id)) is grpc.StatusCode.OK
        assert await called(mesh, *back, host.shown(mesh.mesh_id)) is grpc.StatusCode.OK
        cut_off(mesh, admitter, guest.record)
        assert await called(mesh, *there, guest.shown(mesh.mesh_id)) is grpc.StatusCode.OK
        assert await called(mesh, *there, late.shown(mesh.mesh_id)) is grpc.StatusCode.UNAUTHENTICATED
        cut_off(mesh, admitter, None)
        before = ours.asked.calls
        assert await called(mesh, *there, guest.shown(mesh.mesh_id)) is grpc.StatusCode.UNAVAILABLE
        assert await called(mesh, *back, guest.shown(mesh.mesh_id)) is grpc.StatusCode.UNAVAILABLE
        assert await called(mesh, *back, host.shown(mesh.mesh_id)) is grpc.StatusCode.OK
        assert ours.asked.calls == before


async def test_an_admitter_cannot_let_in_whom_the_ledger_does_not_know(
    mesh: SmallMesh, admitter: AdmitterKey
) -> None:
    """Its certificates pass the handshake, so that the check of each call is what refuses."""
    host, stranger, victim = mesh.admit(), IslandKey.generate(), mesh.admit()
    beyond = [admitted_by(mesh, admitter) for _ in range(3)][-1]
    record = admit(admitter, mesh.genesis, mesh.store, stranger.public, OFFICE, now_ms())
    forged = show_island(stranger, mesh_certificate(record, mesh), mesh.mesh_id, now_ms())
    async with listening(mesh, host) as door:
        for shown in (forged, beyond.shown(mesh.mesh_id)):
            code = await called(mesh, host.key.public, door.address, shown)
            assert code is grpc.StatusCode.UNAUTHENTICATED
        assert door.asked.calls == 0
        shown = victim.shown(mesh.mesh_id)
        assert await called(mesh, host.key.public, door.address, shown) is grpc.StatusCode.OK


def mesh_certificate(record: SignedAttestation, mesh: SmallMesh) -> bytes:
    """Return the certificate in an admission that was never told to the mesh."""
    claims = decode(record.kind, record.payload)
    assert isinstance(claims, AdmissionClaims)
    return claims.certificate_der


def test_numbers_follow_each_other_and_link(mesh: SmallMesh, admitter: AdmitterKey) -> None:
    first, second = admitted_by(mesh, admitter), admitted_by(mesh, admitter)
    assert (first.admission.number, first.admission.header.previous_hash) == (1, b"")
    assert (second.admission.number, second.admission.header.previous_hash) == (2, first.record.hash)
    assert not mesh.ledger.is_frozen(admitter.public)


def test_what_would_not_count_is_refused_before_it_is_signed(mesh: SmallMesh, admitter: AdmitterKey) -> None:
    check_may_admit(mesh.ledger, admitter.public, OFFICE)
    for grant in (
        Grant(Tier.PERSONAL, "office", Ppm(1)),
        Grant(Tier.EDGE, "home", Ppm(1)),
        Grant(Tier.EDGE, "office", Ppm(700_001)),
        Grant(Tier.EDGE, "office", Ppm(1), ("DE",)),
    ):
        with pytest.raises(EnrolmentRefused, match="more than the owner lets this machine grant"):
            check_may_admit(mesh.ledger, admitter.public, grant)
    admitted_by(mesh, admitter), admitted_by(mesh, admitter)
    with pytest.raises(EnrolmentRefused, match="the 2 islands"):
        check_may_admit(mesh.ledger, admitter.public)
    with pytest.raises(EnrolmentRefused, match="does not let this machine"):
        check_may_admit(mesh.ledger, AdmitterKey.generate().public)


async def test_any_authority_renews_what_another_admitted(mesh: SmallMesh, admitter: AdmitterKey) -> None:
    then = now_ms() - ADMISSION_LIFE_MS // 2 - 60_000
    host, guest = mesh.admit(at_ms=then), admitted_by(mesh, admitter, then)
    renewed = renew_due(admitter, mesh.genesis, mesh.store, mesh.ledger, now_ms())
    assert {type(mesh.learn(signed)).__name__ for signed in renewed} == {"RenewalClaims"}
    assert len(renewed) == 2
    late = then + ADMISSION_LIFE_MS + 60_000
    for member in (host, guest):
        assert mesh.ledger.standing(member.key.id, late) is Standing.ADMITTED
        member.admission = mesh.ledger.admission(member.key.id)
    assert renew_due(mesh.owner, mesh.genesis, mesh.store, mesh.ledger, now_ms()) == ()
    async with listening(mesh, host) as door:
        code = await called(mesh, host.key.public, door.address, guest.shown(mesh.mesh_id))
        assert code is grpc.StatusCode.OK
    cut_off(mesh, admitter, guest.record)
    assert mesh.ledger.standing(guest.key.id, late) is Standing.EXPIRED
    by_owner = renew_due(mesh.owner, mesh.genesis, mesh.store, mesh.ledger, now_ms())
    for signed in by_owner:
        mesh.learn(signed)
    assert mesh.ledger.standing(guest.key.id, late) is Standing.ADMITTED
    admission = mesh.ledger.admission(guest.key.id)
    assert admission is not None
    assert admission.trust_ceiling_ppm == OFFICE.trust_ceiling_ppm


def test_a_revoked_island_is_not_renewed(mesh: SmallMesh, admitter: AdmitterKey) -> None:
    guest = admitted_by(mesh, admitter, now_ms() - ADMISSION_LIFE_MS)
    mesh.learn(take_away(admitter, mesh.genesis, mesh.store, guest.key.public, "", now_ms()))
    assert renew_due(mesh.owner, mesh.genesis, mesh.store, mesh.ledger, now_ms()) == ()


async def test_a_successor_is_admitted_and_the_old_key_is_not(mesh: SmallMesh) -> None:
    host, old, new = mesh.admit(), mesh.admit(), IslandKey.generate()
    proof = old.key.sign(succession(mesh.mesh_id, old.key.public, new.public))
    mesh.learn(owner_desk(mesh).succeed(old.key.public, new.public, proof))
    mesh.learn(renew(mesh.owner, mesh.genesis, mesh.store, new.public, now_ms()))
    admission = mesh.ledger.admission(new.id)
    assert admission is not None
    shown = show_island(new, admission.certificate_der, mesh.mesh_id, now_ms())
    async with listening(mesh, host) as door:
        assert await called(mesh, host.key.public, door.address, shown) is grpc.StatusCode.OK
        code = await called(mesh, host.key.public, door.address, old.shown(mesh.mesh_id))
        assert code is grpc.StatusCode.UNAUTHENTICATED


def test_freshness_and_the_group_matrix_are_kept_in_places_of_their_own(mesh: SmallMesh) -> None:
    desk = owner_desk(mesh)
    mesh.learn(desk.state_freshness(mesh.ledger))
    for trust in (300_000, 400_000):
        mesh.learn(desk.set_group_trust(mesh.ledger, "home", "office", Ppm(trust)))
    mesh.learn(desk.set_group_trust(mesh.ledger, "office", "home", Ppm(5)))
    assert mesh.ledger.group_trust("home", "office") == 400_000
    assert mesh.ledger.group_trust("office", "home") == 5
    assert pair_slot(mesh.ledger, "home", "office") != pair_slot(mesh.ledger, "office", "home")
    assert list(mesh.ledger.freshest_ms(now_ms())) == [mesh.genesis.owner]
