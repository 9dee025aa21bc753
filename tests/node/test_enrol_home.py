"""Founding, inviting, revoking and renewing, on a home folder without any network."""

import stat
from pathlib import Path

import pytest

from islandrun.errors import ConfigError, EnrolmentRefused, StateError
from islandrun.trust.claims import Header, SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import display_id
from islandrun.trust.signing import sign, verify
from islandrun.vocabulary import IslandId, Ppm, Standing, Tier
from islandrun_node import enrolment
from islandrun_node.admissions import ADMISSION_LIFE_MS, admit, read_ledger, renew_due
from islandrun_node.enrolment import admit_outbound, found_mesh, host_name, invite, revoke
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, Membership, load_membership
from islandrun_node.join_token import parse, token_id
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant, TokenStore
from tests.node.identity_kit import GRANT, now_ms

ADDRESSES = ["192.0.2.7:8471"]
DAY_MS = 24 * 3_600_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def owner(home: Home) -> Membership:
    return found_mesh(home, "family", "laptop")


@pytest.fixture
def store(home: Home, owner: Membership):
    database = Database.open(home.database)
    yield AttestationStore(database)
    database.close()


def ledger_of(store: AttestationStore, membership: Membership, at_ms: int | None = None) -> Ledger:
    return read_ledger(store, membership.genesis, at_ms or now_ms())


def admitted(store: AttestationStore, owner: Membership, name: str, at_ms: int | None = None) -> IslandKey:
    """Admit an island that also says its name."""
    assert owner.owner is not None
    key, at_ms = IslandKey.generate(), at_ms or now_ms()
    admit(owner.owner, owner.genesis, store, key.public, GRANT, at_ms)
    header = Header(
        owner.genesis.mesh_id, key.public, key.public, store.next_sequence(name, at_ms), at_ms, at_ms,
        at_ms + DAY_MS,
    )  # fmt: skip
    store.save(sign(SelfClaims(header, name, 1), key.sign))
    return key


def contents(home: Home) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(home.path.rglob("*")) if path.is_file()}


# ---------------------------------------------------------------- found


def test_a_founder_is_its_own_first_member(home: Home, owner: Membership, store: AttestationStore) -> None:
    again = load_membership(home)
    assert again.genesis == owner.genesis
    assert again.key.public == owner.key.public
    assert again.owner is not None
    admission = ledger_of(store, owner).admission(owner.key.id)
    assert admission is not None
    assert (admission.tier, admission.group, admission.trust_ceiling_ppm) == (
        Tier.PERSONAL,
        "home",
        1_000_000,
    )
    assert admission.header.not_after_ms - admission.header.not_before_ms == ADMISSION_LIFE_MS


def test_everything_is_private_to_the_user(home: Home, owner: Membership) -> None:
    for path in (home.path, home.keys):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in home.path.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_second_founding_changes_nothing(home: Home, owner: Membership) -> None:
    before = contents(home)
    with pytest.raises(StateError, match="was not touched"):
        found_mesh(home, "other", "other")
    assert contents(home) == before


def test_a_founding_that_broke_off_leaves_no_member_and_is_taken_up_again(home: Home, monkeypatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("admit", "_keep_name", "replace_private"):
        with monkeypatch.context() as patched:
            patched.setattr(enrolment, place, crash)
            with pytest.raises(KeyboardInterrupt):
                found_mesh(home, "family", "laptop")
        assert not home.is_member
        with pytest.raises(StateError, match="belongs to no mesh"):
            load_membership(home)
    owner = found_mesh(home, "family", "laptop")
    database = Database.open(home.database)
    assert ledger_of(AttestationStore(database), owner).islands() == (owner.key.id,)
    assert len(AttestationStore(database).load_all()) == 1, "what the broken attempts wrote is gone"
    database.close()


async def test_an_unfinished_founding_is_not_joined_over(home: Home) -> None:
    home.create()
    enrolment.OwnerKey.create(home.owner_key)
    with pytest.raises(StateError, match="unfinished `init`"):
        await enrolment.join(home, "irj1_0")


@pytest.mark.parametrize("name", ["", "Laptop", "a b", "x" * 33, "ä", "a\n", "../x"])
def test_a_wrong_name_is_refused_before_anything_is_made(home: Home, name: str) -> None:
    with pytest.raises(ConfigError, match="1 to 32"):
        found_mesh(home, "family", name)
    assert not home.path.exists()


def test_a_name_against_the_settings_is_refused(home: Home) -> None:
    home.create()
    home.config.write_text('name = "desk"\n')
    with pytest.raises(ConfigError, match='set it to "laptop" there'):
        found_mesh(home, "family", "laptop")
    found_mesh(home, "family")
    assert home.config.read_text() == 'name = "desk"\n'


@pytest.mark.parametrize(
    ("machine", "name"), [("Box.local", "box"), ("my_PC", "my-pc"), ("ÄÖ", "island"), ("y" * 40, "y" * 32)]
)
def test_a_machine_gives_its_name_in_our_form(monkeypatch, machine: str, name: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: machine)
    assert host_name() == name


# ---------------------------------------------------------------- invite


def test_an_invitation_stores_no_secret(home: Home, owner: Membership) -> None:
    token = parse(invite(home, GRANT, 600, ADDRESSES), now_ms())
    assert token.issuer == owner.key.public
    assert token.mesh_id == owner.genesis.mesh_id
    assert token.addresses == tuple(ADDRESSES)
    assert all(token.seed not in content for content in contents(home).values())
    database = Database.open(home.database)
    assert TokenStore(database).join_key(token_id(token.join_key().public), now_ms()) is not None
    database.close()


@pytest.mark.parametrize("ttl", [0, -1, 8 * 24 * 3600])
def test_an_invitation_has_a_sensible_life(home: Home, owner: Membership, ttl: int) -> None:
    with pytest.raises(EnrolmentRefused, match="lives 1 to"):
        invite(home, GRANT, ttl, ADDRESSES)


def test_only_the_owner_invites_and_revokes(home: Home, owner: Membership) -> None:
    home.owner_key.unlink()
    for act in (lambda: invite(home, GRANT, 600, ADDRESSES), lambda: revoke(home, "laptop")):
        with pytest.raises(EnrolmentRefused, match="holds no owner key"):
            act()


def test_an_owner_key_of_another_mesh_is_noticed(home: Home, owner: Membership, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    found_mesh(other, "other", "other")
    home.owner_key.write_bytes(other.owner_key.read_bytes())
    with pytest.raises(StateError, match="key of another mesh"):
        load_membership(home)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x0a\x01x"])
def test_a_damaged_genesis_is_named(home: Home, owner: Membership, content: bytes) -> None:
    home.genesis.write_bytes(content)
    with pytest.raises(StateError, match=r"genesis\.bin is damaged"):
        load_membership(home)


# ---------------------------------------------------------------- outbound


async def test_the_owners_node_admits_its_outbound_islands_itself(
    home: Home, owner: Membership, store: AttestationStore
) -> None:
    key = await admit_outbound(home, "cloud")
    assert (await admit_outbound(home, "cloud")).public == key.public
    admission = ledger_of(store, owner).admission(key.id)
    assert admission is not None
    assert (admission.tier, admission.group) == (Tier.CLOUD, "cloud")
    assert len(store.load_all()) == 2, "asking again signs nothing anew"
    revoke(home, key.id)
    with pytest.raises(EnrolmentRefused, match="revoked cloud"):
        await admit_outbound(home, "cloud")
    with pytest.raises(ConfigError):
        await admit_outbound(home, "../cloud")


# ---------------------------------------------------------------- revoke


@pytest.mark.parametrize("form", ["name", "id", "prefix", "display"])
def test_an_island_is_revoked_by_any_of_its_names(
    home: Home, owner: Membership, store: AttestationStore, form: str
) -> None:
    key, other = admitted(store, owner, "desk"), admitted(store, owner, "gpu")
    words = {"name": "desk", "id": key.id, "prefix": key.id[:8], "display": display_id(key.id)}[form]
    before = store.data_version()
    assert revoke(home, words, "sold") == key.id
    assert store.data_version() != before, "a running node notices"
    ledger = ledger_of(store, owner)
    assert ledger.standing(key.id, now_ms()) is Standing.REVOKED
    assert ledger.standing(other.id, now_ms()) is Standing.ADMITTED


def test_what_is_not_one_island_is_not_revoked(
    home: Home, owner: Membership, store: AttestationStore
) -> None:
    key = admitted(store, owner, "desk")
    admitted(store, owner, "desk")
    for words in ("desk", "nobody", "", key.id[:7], "x" * 500):
        with pytest.raises(EnrolmentRefused, match="islands are called"):
            revoke(home, words)
    with pytest.raises(EnrolmentRefused, match="owner's own island"):
        revoke(home, owner.key.id)
    assert ledger_of(store, owner).revoked() == ()


# ---------------------------------------------------------------- renew


def test_admissions_are_renewed_at_half_their_life(
    home: Home, owner: Membership, store: AttestationStore
) -> None:
    assert owner.owner is not None
    start = now_ms()
    young, old, gone = (
        admitted(store, owner, name, start - days * DAY_MS)
        for name, days in (("young", 1), ("old", 4), ("gone", 4))
    )
    revoke(home, gone.id)
    renewed = renew_due(owner.owner, owner.genesis, store, ledger_of(store, owner), start)
    assert [verify(signed, owner.genesis, start).claims.header.subject for signed in renewed] == [old.public]
    after = start + 5 * DAY_MS
    ledger = ledger_of(store, owner, after)
    assert ledger.standing(old.id, after) is Standing.ADMITTED
    assert ledger.standing(young.id, after) is Standing.ADMITTED
    assert ledger.standing(young.id, start + 7 * DAY_MS) is Standing.EXPIRED


def test_a_renewal_grants_what_was_granted(home: Home, owner: Membership, store: AttestationStore) -> None:
    assert owner.owner is not None
    key, grant = IslandKey.generate(), Grant(Tier.EDGE, "office", Ppm(600_000), ("DE", "FR"))
    then = now_ms() - 40 * DAY_MS
    admit(owner.owner, owner.genesis, store, key.public, grant, then, token_id=b"t" * 16)
    assert ledger_of(store, owner).standing(key.id, now_ms()) is Standing.EXPIRED
    renew_due(owner.owner, owner.genesis, store, ledger_of(store, owner), now_ms())
    ledger = ledger_of(store, owner)
    assert ledger.standing(IslandId(key.id), now_ms()) is Standing.ADMITTED
    admission = ledger.admission(key.id)
    assert admission is not None
    again = Grant(admission.tier, admission.group, admission.trust_ceiling_ppm, admission.jurisdictions)
    assert (again, admission.token_id) == (grant, b"t" * 16)
