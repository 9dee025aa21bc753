"""Joining with a token, over real mTLS: once, by one island, and never halfway."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from islandrun.errors import EnrolmentRefused, ForwardFailed, StateError, Unreachable
from islandrun.trust.claims import AdmissionClaims, decode
from islandrun.trust.signing import SignedAttestation, sign
from islandrun.v1 import enroll_pb2
from islandrun.vocabulary import Ppm, Standing, Tier
from islandrun_node import enrolment, issuer, joining
from islandrun_node.admissions import admit, read_ledger, take_away
from islandrun_node.certificates import show_join
from islandrun_node.channels import open_channel
from islandrun_node.enrolment import admit_outbound, found_mesh, invite, join, redeem
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, Membership, load_membership
from islandrun_node.issuer import proof
from islandrun_node.join_token import JoinToken, encode, parse, token_id
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.node.identity_kit import Door, Member, SmallMesh, exchange, listening, now_ms

EDGE = Grant(Tier.EDGE, "office", Ppm(700_000), ("DE",))


class Founder:
    """A home that founded a mesh, with its listener running and a second connection to its state."""

    def __init__(self, home: Home, membership: Membership, mesh: SmallMesh, door: Door) -> None:
        self.home, self.membership, self.mesh, self.door = home, membership, mesh, door

    def invite(self, grant: Grant = EDGE) -> str:
        return invite(self.home, grant, 600, [self.door.address])

    def admissions(self) -> list[AdmissionClaims]:
        claims = [decode(signed.kind, signed.payload) for signed in self.mesh.store.load_all()]
        me = self.membership.key.public
        return [c for c in claims if isinstance(c, AdmissionClaims) and c.header.subject != me]


@asynccontextmanager
async def founder(folder: Path, name: str = "owner"):
    home = Home(folder / name)
    membership = found_mesh(home, "family", name)
    mesh = SmallMesh.of(home)
    record = mesh.ledger.admission_record(membership.key.id)
    assert record is not None
    async with listening(mesh, Member(membership.key, mesh.take(record), record)) as door:
        yield Founder(home, membership, mesh, door)
    mesh.database.close()


@pytest.fixture
async def owner(tmp_path):
    async with founder(tmp_path) as ready:
        yield ready


def damaged(text: str, **changes) -> str:
    token = parse(text, now_ms())
    fields = {name: getattr(token, name) for name in ("mesh_id", "issuer", "seed", "expires_at", "addresses")}
    return encode(JoinToken(**(fields | changes)))


async def test_a_token_makes_a_member(owner: Founder, tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    membership = await join(home, owner.invite(), "desk")
    assert membership.genesis == owner.membership.genesis
    assert membership.owner is None
    assert load_membership(home).key.public == membership.key.public
    assert home.config.read_text().endswith('name = "desk"\n')
    with_store = Database.open(home.database)
    ledger = read_ledger(AttestationStore(with_store), membership.genesis, now_ms())
    with_store.close()
    granted = ledger.admission(membership.key.id)
    assert granted is not None
    assert (granted.tier, granted.group, granted.trust_ceiling_ppm) == (EDGE.tier, EDGE.group, 700_000)
    assert granted.jurisdictions == ("DE",)
    assert ledger.standing(owner.membership.key.id, now_ms()) is Standing.ADMITTED, "from the snapshot"
    assert [signed.kind for signed in owner.door.published] == ["admission"]


async def test_a_new_member_calls_at_once_and_its_token_is_spent(owner: Founder, tmp_path: Path) -> None:
    text = owner.invite()
    membership = await join(Home(tmp_path / "new"), text, "desk")
    admission = owner.mesh.ledger.admission(membership.key.id)
    assert admission is not None
    member = Member(membership.key, admission, owner.door.published[0])
    token = parse(text, now_ms())
    assert owner.mesh.tokens.join_key(token_id(token.join_key().public), now_ms()) is not None
    code = await exchange(
        owner.door.address, token.issuer, member.shown(owner.mesh.mesh_id), owner.mesh.mesh_id
    )
    assert code.name == "OK"
    assert owner.door.asked.by == [membership.key.id]
    assert owner.mesh.tokens.open_tokens(now_ms()) == ()
    with pytest.raises(EnrolmentRefused, match="used or has expired"):
        await join(Home(tmp_path / "late"), text)
    assert not Home(tmp_path / "late").is_member


async def test_fifty_race_for_one_token_and_one_wins(owner: Founder) -> None:
    token = parse(owner.invite(), now_ms())
    keys = [IslandKey.generate() for _ in range(50)]
    results = await asyncio.gather(*(redeem(token, key) for key in keys), return_exceptions=True)
    won = [key for key, result in zip(keys, results, strict=True) if not isinstance(result, BaseException)]
    lost = [result for result in results if isinstance(result, BaseException)]
    assert len(won) == 1
    assert {type(result) for result in lost} == {EnrolmentRefused}
    assert {"another island" in str(result) for result in lost} == {True}, {str(result) for result in lost}
    assert [claims.header.subject for claims in owner.admissions()] == [won[0].public]


async def test_a_retry_of_the_same_island_gets_the_same_admission(owner: Founder) -> None:
    token, key = parse(owner.invite(), now_ms()), IslandKey.generate()
    first, second = await redeem(token, key), await redeem(token, key)
    assert first.admission == second.admission
    assert len(owner.admissions()) == 1


async def test_a_join_that_broke_off_after_the_answer_is_taken_up_again(
    owner: Founder, tmp_path: Path, monkeypatch
) -> None:
    home, text = Home(tmp_path / "new"), owner.invite()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    for module, place in (
        (enrolment, "replace_private"), (enrolment, "_keep_name"), (joining, "_check_welcome")
    ):  # fmt: skip
        with monkeypatch.context() as patched:
            patched.setattr(module, place, crash)
            with pytest.raises(KeyboardInterrupt):
                await join(home, text, "desk")
        assert not home.is_member
    membership = await join(home, text, "desk")
    assert load_membership(home).key.public == membership.key.public
    assert len(owner.admissions()) == 1


async def test_an_issuer_that_broke_off_between_binding_and_signing_goes_on(
    owner: Founder, monkeypatch
) -> None:
    token, key = parse(owner.invite(), now_ms()), IslandKey.generate()

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(issuer, "admit", crash)
        with pytest.raises(ForwardFailed, match="try again"):
            await redeem(token, key)
    with pytest.raises(EnrolmentRefused, match="another island"):
        await redeem(token, IslandKey.generate())
    assert (await redeem(token, key)).genesis == owner.mesh.genesis


async def test_a_token_with_another_seed_opens_nothing(owner: Founder, tmp_path: Path) -> None:
    with pytest.raises(EnrolmentRefused, match="does not take this join token"):
        await join(Home(tmp_path / "new"), damaged(owner.invite(), seed=bytes(16)))
    assert owner.admissions() == []


async def test_a_token_that_expired_at_the_issuer_opens_nothing(owner: Founder, tmp_path: Path) -> None:
    text = owner.invite()
    with owner.mesh.database.transaction() as cursor:
        cursor.execute("UPDATE tokens SET expires_at_ms = ?", (now_ms() - 1,))
    with pytest.raises(EnrolmentRefused, match="does not take this join token"):
        await join(Home(tmp_path / "new"), text)


async def test_another_node_at_the_address_gets_nothing(owner: Founder, tmp_path: Path) -> None:
    async with founder(tmp_path, "stranger") as stranger:
        text = damaged(owner.invite(), addresses=(stranger.door.address,))
        with pytest.raises(EnrolmentRefused, match="another node answers"):
            await join(Home(tmp_path / "new"), text)
        assert stranger.admissions() == []


async def test_a_token_for_another_mesh_of_the_same_issuer_is_refused(owner: Founder, tmp_path: Path) -> None:
    with pytest.raises(EnrolmentRefused):
        await join(Home(tmp_path / "new"), damaged(owner.invite(), mesh_id=bytes(32)))


async def test_nobody_at_the_address_is_said(owner: Founder, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"no node answers at 127\.0\.0\.1:1"):
        await join(Home(tmp_path / "new"), damaged(owner.invite(), addresses=("127.0.0.1:1",)))


@pytest.mark.parametrize("part", ["genesis", "admission"])
async def test_an_answer_that_is_not_ours_makes_no_member(
    owner: Founder, tmp_path: Path, part: str, monkeypatch
) -> None:
    """The issuer is pinned, but what it says is checked all the same."""
    other = SmallMesh.found(tmp_path / "other")
    genesis, record = other.genesis, other.admit().record
    other.database.close()
    true = issuer.Issuer._welcome

    def lying(self, signed: SignedAttestation) -> enroll_pb2.JoinResponse:
        answer = true(self, signed)
        if part == "genesis":
            answer.genesis.payload, answer.genesis.signature = genesis.payload, genesis.signature
        else:
            answer.admission.CopyFrom(record.to_wire())
        return answer

    monkeypatch.setattr(issuer.Issuer, "_welcome", lying)
    with pytest.raises(EnrolmentRefused, match="no good"):
        await join(Home(tmp_path / "new"), owner.invite())
    assert not Home(tmp_path / "new").is_member


async def test_an_admission_of_somebody_else_is_not_taken(owner: Founder, monkeypatch) -> None:
    token = parse(owner.invite(), now_ms())
    somebody = owner.mesh.admit().record
    monkeypatch.setattr(issuer, "admit", lambda *_, **__: somebody)
    with pytest.raises(EnrolmentRefused, match="another island"):
        await redeem(token, IslandKey.generate())


@pytest.mark.parametrize("lie", ["certificate", "token"])
async def test_an_admission_with_a_wrong_part_is_not_taken(owner: Founder, monkeypatch, lie: str) -> None:
    token, key = parse(owner.invite(), now_ms()), IslandKey.generate()
    changes = {"certificate_der": b""} if lie == "certificate" else {"token_id": bytes(16)}

    def wrong(*arguments, **options) -> SignedAttestation:
        signed = admit(*arguments, **options)
        return sign(replace(decode(signed.kind, signed.payload), **changes), owner.mesh.owner.sign)

    monkeypatch.setattr(issuer, "admit", wrong)
    with pytest.raises(EnrolmentRefused, match="no good"):
        await redeem(token, key)


async def ask(owner: Founder, token: JoinToken, request: enroll_pb2.JoinRequest) -> str:
    """Redeem by hand and return the code and words of the answer."""
    shown = show_join(token.join_key(), token.mesh_id, now_ms())
    async with open_channel(token.addresses, token.issuer, shown, token.mesh_id) as channel:
        call = channel.unary_unary(
            "/islandrun.v1.EnrollService/Join",
            request_serializer=enroll_pb2.JoinRequest.SerializeToString,
            response_deserializer=enroll_pb2.JoinResponse.FromString,
        )(request, timeout=8)
        return f"{(await call.code()).name}: {await call.details()}"


async def test_a_key_must_be_proven_and_the_token_must_be_that_of_the_connection(owner: Founder) -> None:
    token, second = parse(owner.invite(), now_ms()), parse(owner.invite(), now_ms())
    key, stolen = IslandKey.generate(), IslandKey.generate()
    name, other = (token_id(each.join_key().public) for each in (token, second))
    true = proof(name, token.mesh_id, token.issuer, key.public)

    def request(**changes) -> enroll_pb2.JoinRequest:
        fields = {"island_key": key.public, "token_id": name, "proof_of_possession": key.sign(true)}
        return enroll_pb2.JoinRequest(**(fields | changes))

    assert "does not prove" in await ask(owner, token, request(island_key=stolen.public))
    assert "does not prove" in await ask(owner, token, request(proof_of_possession=stolen.sign(true)))
    assert "another join token" in await ask(owner, token, request(token_id=other))
    assert "INVALID_ARGUMENT" in await ask(owner, token, request(island_key=b"short"))
    assert "INVALID_ARGUMENT" in await ask(owner, token, request(proof_of_possession=b""))
    assert owner.admissions() == []
    assert "OK" in await ask(owner, token, request())


async def test_a_revoked_island_does_not_come_back_with_a_new_token(owner: Founder) -> None:
    key = IslandKey.generate()
    await redeem(parse(owner.invite(), now_ms()), key)
    mesh = owner.mesh
    mesh.learn(take_away(mesh.owner, mesh.genesis, mesh.store, key.public, "lost", now_ms()))
    with pytest.raises(EnrolmentRefused, match="revoked this island for good"):
        await redeem(parse(owner.invite(), now_ms()), key)


async def test_a_member_joins_no_second_mesh(owner: Founder, tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    await join(home, owner.invite())
    before = sorted((path.name, path.read_bytes()) for path in home.path.glob("*.bin"))
    with pytest.raises(StateError, match="belongs to a mesh already"):
        await join(home, owner.invite())
    assert sorted((path.name, path.read_bytes()) for path in home.path.glob("*.bin")) == before


async def test_an_outbound_island_of_another_home_needs_a_token(owner: Founder, tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    await join(home, owner.invite())
    with pytest.raises(EnrolmentRefused, match="invite --tier cloud"):
        await admit_outbound(home, "cloud")
    cloud = Grant(Tier.CLOUD, "cloud", Ppm(1_000_000))
    key = await admit_outbound(home, "cloud", owner.invite(cloud))
    assert key.public == (await admit_outbound(home, "cloud")).public
    admission = owner.mesh.ledger.admission(key.id)
    assert admission is not None
    assert admission.tier is Tier.CLOUD
    async with founder(tmp_path, "stranger") as stranger:
        with pytest.raises(EnrolmentRefused, match="another mesh"):
            await admit_outbound(home, "second", stranger.invite(cloud))
