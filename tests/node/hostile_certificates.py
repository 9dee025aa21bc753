"""Certificates that nobody honest would show: one builder for each way to pose as another island.

The attacker is an admitted island (it has a true admission certificate and key) unless a case says
otherwise; the victim is another member of the same mesh.
"""

from __future__ import annotations

import datetime
import ipaddress
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID as Use
from cryptography.x509.oid import NameOID

from islandrun.trust.naming import dns_name, island_id, spiffe_uri, trust_domain
from islandrun.vocabulary import PublicKey
from islandrun_node.certificates import Shown, admission_certificate
from islandrun_node.identity import IslandKey, OwnerKey
from tests.node.identity_kit import Member, SmallMesh, now_ms

BOTH = (Use.SERVER_AUTH, Use.CLIENT_AUTH)
DAY = datetime.timedelta(days=1)


@dataclass
class Scene:
    """Two meshes: the victim and the attacker are members of one, the foreigner of the other."""

    mesh: SmallMesh
    victim: Member
    attacker: Member
    elsewhere: SmallMesh
    foreigner: Member

    def dns(self, member: Member) -> x509.DNSName:
        return x509.DNSName(dns_name(member.key.id, self.mesh.mesh_id))

    def uri(self, member: Member) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(spiffe_uri(member.key.id, self.mesh.mesh_id))

    def own_names(self) -> tuple[x509.GeneralName, ...]:
        return self.dns(self.attacker), self.uri(self.attacker)

    def victims_names(self) -> tuple[x509.GeneralName, ...]:
        return self.dns(self.victim), self.uri(self.victim)


@contextmanager
def two_meshes(folder: Path) -> Iterator[Scene]:
    """Found both meshes and admit the three islands."""
    mesh, elsewhere = SmallMesh.found(folder / "a"), SmallMesh.found(folder / "b")
    yield Scene(mesh, mesh.admit(), mesh.admit(), elsewhere, elsewhere.admit())
    mesh.database.close()
    elsewhere.database.close()


def named(common_name: str = "", unit: str = "hostile", organization: str = "x") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
    ]
    if common_name:
        # A true DNS name of an island is longer than X.520 lets a common name be; TLS takes it all the same.
        with warnings.catch_warnings(action="ignore"):
            parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name, _validate=False))
    return x509.Name(parts)


def certificate(
    signer: CertificateIssuerPrivateKeyTypes,
    issuer: x509.Name,
    key,
    names: Sequence[x509.GeneralName] = (),
    *,
    common_name: str = "",
    uses: Sequence[x509.ObjectIdentifier] = BOTH,
    ends_in: datetime.timedelta = DAY,
    begins_in: datetime.timedelta = -DAY / 24,
    is_ca: bool = False,
    subject: x509.Name | None = None,
) -> x509.Certificate:
    now = datetime.datetime.fromtimestamp(now_ms() / 1000, tz=datetime.UTC)
    begin, end = now + begins_in, now + ends_in
    builder = x509.CertificateBuilder().subject_name(subject or named(common_name)).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(min(begin, end - DAY / 24)).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(is_ca, 0 if is_ca else None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
    is_edwards = isinstance(signer, Ed25519PrivateKey)
    return builder.sign(signer, None if is_edwards else hashes.SHA256())


def shown(key, *chain: x509.Certificate) -> Shown:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Shown(pem, b"".join(part.public_bytes(serialization.Encoding.PEM) for part in chain), now_ms())


def issuer_name(member: Member) -> x509.Name:
    return x509.load_der_x509_certificate(member.admission.certificate_der).subject


def signed_by(member: Member, names: Sequence[x509.GeneralName] = (), key=None, **how) -> Shown:
    """A leaf that a member signed with its own island key, with its true admission behind it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(member.key.for_x509(), issuer_name(member), key, names, **how)
    return shown(key, leaf, x509.load_der_x509_certificate(member.admission.certificate_der))


def forged_admission(scene: Scene) -> Shown:
    """An outsider makes an owner with the true owner's name, and admits itself."""
    owner, island = OwnerKey.generate(), IslandKey.generate()
    der = admission_certificate(owner, island.public, scene.mesh.mesh_id, now_ms(), now_ms() + 10**9)
    true = x509.load_der_x509_certificate(scene.attacker.admission.certificate_der)
    forged = certificate(
        owner.for_x509(), true.issuer, island.for_x509(), is_ca=True, uses=(),
        subject=x509.load_der_x509_certificate(der).subject,
    )  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    names = names_of(island.public, scene.mesh.mesh_id)
    return shown(key, certificate(island.for_x509(), forged.subject, key, names), forged)


def borrowed_admission(scene: Scene) -> Shown:
    """A leaf with the victim's names and true admission behind it, signed by the attacker."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(scene.attacker.key.for_x509(), issuer_name(scene.victim), key, scene.victims_names())
    return shown(key, leaf, x509.load_der_x509_certificate(scene.victim.admission.certificate_der))


def extra_intermediate(scene: Scene) -> Shown:
    """The attacker makes a CA under its own admission, and that CA signs the leaf."""
    between, key = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    ca = certificate(
        scene.attacker.key.for_x509(), issuer_name(scene.attacker), between, is_ca=True, uses=(),
        subject=named(unit="between"),
    )  # fmt: skip
    leaf = certificate(between, ca.subject, key, scene.own_names())
    return shown(key, leaf, ca, x509.load_der_x509_certificate(scene.attacker.admission.certificate_der))


def bare_self_signed(scene: Scene) -> Shown:
    key = ec.generate_private_key(ec.SECP256R1())
    return shown(key, certificate(key, named(unit="self"), key, scene.victims_names()))


def names_of(key: PublicKey, mesh_id: bytes) -> tuple[x509.GeneralName, ...]:
    island = island_id(key)
    return (
        x509.DNSName(dns_name(island, mesh_id)),
        x509.UniformResourceIdentifier(spiffe_uri(island, mesh_id)),
    )


def _posing(*names: x509.GeneralName) -> Callable[[Scene], Shown]:
    """A leaf without a DNS name and with the victim's name as common name: TLS clients fall back to it."""
    return lambda scene: signed_by(
        scene.attacker, names, common_name=dns_name(scene.victim.key.id, scene.mesh.mesh_id)
    )


def _own(**how) -> Callable[[Scene], Shown]:
    return lambda scene: signed_by(scene.attacker, scene.own_names(), **how)


HOSTILE: dict[str, Callable[[Scene], Shown]] = {
    "no names": lambda scene: signed_by(scene.attacker),
    "common name only": _posing(),
    "e-mail name": _posing(x509.RFC822Name("a@example.org")),
    "directory name": _posing(x509.DirectoryName(named("x"))),
    "registered id": _posing(x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4"))),
    "victim's URI only": lambda scene: signed_by(scene.attacker, [scene.uri(scene.victim)]),
    "own URI only": lambda scene: _posing(scene.uri(scene.attacker))(scene),
    "own DNS only": lambda scene: signed_by(scene.attacker, [scene.dns(scene.attacker)]),
    "wildcard": lambda scene: signed_by(
        scene.attacker,
        [x509.DNSName(f"*.{trust_domain(scene.mesh.mesh_id)}"), scene.uri(scene.attacker)],
    ),
    "victim's names": lambda scene: signed_by(scene.attacker, scene.victims_names()),
    "own URI, victim's DNS": lambda scene: signed_by(
        scene.attacker, [scene.dns(scene.victim), scene.uri(scene.attacker)]
    ),
    "victim's URI, own DNS": lambda scene: signed_by(
        scene.attacker, [scene.dns(scene.attacker), scene.uri(scene.victim)]
    ),
    "two URIs": lambda scene: signed_by(
        scene.attacker,
        [*scene.own_names(), x509.UniformResourceIdentifier(spiffe_uri(scene.attacker.key.id, bytes(32)))],
    ),
    "two own URIs": lambda scene: signed_by(scene.attacker, [*scene.own_names(), scene.uri(scene.attacker)]),
    "an e-mail beside": lambda scene: signed_by(
        scene.attacker, [*scene.own_names(), x509.RFC822Name("a@example.org")]
    ),
    "an address beside": lambda scene: signed_by(
        scene.attacker, [*scene.own_names(), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    ),
    "foreign mesh": lambda scene: scene.foreigner.shown(scene.elsewhere.mesh_id),
    "expired leaf": _own(ends_in=-DAY / 24),
    "leaf of tomorrow": _own(begins_in=DAY, ends_in=2 * DAY),
    "wrong use": _own(uses=(Use.CODE_SIGNING,)),
    "server use only": _own(uses=(Use.SERVER_AUTH,)),
    "no use": _own(uses=()),
    "leaf that is a CA": _own(is_ca=True),
    "Ed25519 leaf": lambda scene: _own(key=Ed25519PrivateKey.generate())(scene),
    "RSA leaf": lambda scene: _own(key=rsa.generate_private_key(65537, 2048))(scene),
    "P-384 leaf": lambda scene: _own(key=ec.generate_private_key(ec.SECP384R1()))(scene),
    "forged admission": forged_admission,
    "borrowed admission": borrowed_admission,
    "extra intermediate": extra_intermediate,
    "self-signed": bare_self_signed,
}

GATE = frozenset(
    {
        "no names", "e-mail name", "directory name", "registered id", "own URI only",
        "own DNS only", "two own URIs", "an e-mail beside", "no use", "leaf that is a CA", "RSA leaf",
        "P-384 leaf",
    }
)  # fmt: skip
"""What TLS lets in and only the check of each call refuses."""

BY_THE_DIALLED_KEY = frozenset({"expired leaf", "leaf of tomorrow", "wrong use", "Ed25519 leaf"})
"""What a client refuses even when the very island that it dials shows it."""
