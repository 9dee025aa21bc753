"""X.509 as the mesh uses it: anchors made from bare keys, admission certificates, short-lived leaves.

An island's Ed25519 key signs its own P-256 leaf, so the signature binds leaf and island; an authority's key
signs the island's CA certificate, whose critical name constraints keep it to its own name (RFC 5280,
4.2.1.10). No certificate holds a common name: TLS clients fall back to it where there is no DNS name.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from islandrun.errors import BadSignature, ExpiredAttestation, MalformedMessage
from islandrun.trust.ed25519 import is_signed_by
from islandrun.trust.naming import dns_name, island_id, join_name, spiffe_uri, trust_domain
from islandrun.vocabulary import PublicKey
from islandrun.wire.limits import CERTIFICATE_BYTES_MAX
from islandrun_node.identity import AuthorityKey, IslandKey, JoinKey, OwnerKey, SecretKey

LEAF_LIFE_MS = 24 * 3600 * 1000
SKEW_MS = 5 * 60 * 1000
"""How far back a certificate begins, for clocks that differ."""

_ALWAYS_FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_ALWAYS_UNTIL = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
_NO_ADDRESS = (
    x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
    x509.IPAddress(ipaddress.ip_network("::/0")),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one side shows in a handshake: a leaf's key and the chain, PEM; the leaf's end, ms since 1970."""

    key_pem: bytes = field(repr=False)
    chain_pem: bytes = field(repr=False)
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """The facts of a caller's leaf that passed `read_leaf`; its signature is still to be checked."""

    dns: str
    uri: str
    not_before_ms: int
    not_after_ms: int
    certificate: x509.Certificate = field(repr=False)


def join_uri(join_key: PublicKey, mesh_id: bytes) -> str:
    """Return the URI in the leaf of a token's holder."""
    return f"spiffe://{join_name(join_key, mesh_id)}/join"


# ---------------------------------------------------------------- anchors


def owner_anchor(owner: PublicKey) -> bytes:
    """Return the root of a mesh, PEM: what servers check chains against."""
    return _anchor(owner, "owner", None, 1, None)


def admitter_anchor(admitter: PublicKey, mesh_id: bytes) -> bytes:
    """Return the root of the islands that an admitter admitted, PEM: good for names of this mesh alone."""
    return _anchor(admitter, "admitter", f".{trust_domain(mesh_id)}", 1, None)


def island_anchor(island: PublicKey, mesh_id: bytes) -> bytes:
    """Return the one root of a client that dials this island, PEM."""
    return _anchor(island, "island", dns_name(island_id(island), mesh_id), 0, None)


def join_anchor(join_key: PublicKey, mesh_id: bytes, expires_at_ms: int) -> bytes:
    """Return the root that lets the holder of a token in until it expires, PEM."""
    return _anchor(join_key, "join", join_name(join_key, mesh_id), 0, expires_at_ms)


@functools.lru_cache(maxsize=512)
def _anchor(
    key: PublicKey, role: str, host: str | None, path_length: int, expires_at_ms: int | None
) -> bytes:
    # Nobody checks an anchor's own signature, so a throw-away key makes it; the cache keeps its bytes equal.
    builder = _ca(_name(key, role), Ed25519PublicKey.from_public_bytes(key), path_length, host)
    builder = builder.issuer_name(_name(key, role)).not_valid_before(_ALWAYS_FROM)
    until = _ALWAYS_UNTIL if expires_at_ms is None else _moment(expires_at_ms)
    certificate = builder.not_valid_after(until).sign(Ed25519PrivateKey.generate(), None)
    return certificate.public_bytes(serialization.Encoding.PEM)


# ---------------------------------------------------------------- certificates


def admission_certificate(
    authority: AuthorityKey, island: PublicKey, mesh_id: bytes, now_ms: int, not_after_ms: int
) -> bytes:
    """Return an island's CA certificate, DER: by an authority, good for the island's own name alone."""
    role = "owner" if isinstance(authority, OwnerKey) else "admitter"
    host = dns_name(island_id(island), mesh_id)
    builder = _ca(_name(island, "island"), Ed25519PublicKey.from_public_bytes(island), 0, host)
    builder = builder.issuer_name(_name(authority.public, role))
    builder = builder.not_valid_before(_moment(now_ms - SKEW_MS)).not_valid_after(_moment(not_after_ms))
    return builder.sign(authority.for_x509(), None).public_bytes(serialization.Encoding.DER)


def show_island(island: IslandKey, admission_der: bytes, mesh_id: bytes, now_ms: int) -> Shown:
    """Mint a leaf for an island and put its admission certificate behind it."""
    names = (dns_name(island.id, mesh_id), spiffe_uri(island.id, mesh_id))
    admission = x509.load_der_x509_certificate(admission_der)
    return _show(island, "island", names, (admission,), now_ms)


def show_join(join_key: JoinKey, mesh_id: bytes, now_ms: int) -> Shown:
    """Mint a leaf for the holder of a join token."""
    names = (join_name(join_key.public, mesh_id), join_uri(join_key.public, mesh_id))
    return _show(join_key, "join", names, (), now_ms)


def _show(
    signer: SecretKey, role: str, names: tuple[str, str], chain: Sequence[x509.Certificate], now_ms: int
) -> Shown:
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _certificate(_name(signer.public, f"{role} leaf"), leaf_key.public_key())
    builder = builder.issuer_name(_name(signer.public, role))
    builder = builder.not_valid_before(_moment(now_ms - SKEW_MS))
    builder = builder.not_valid_after(_moment(now_ms + LEAF_LIFE_MS))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(uses, critical=False)
    names_extension = x509.SubjectAlternativeName(
        [x509.DNSName(names[0]), x509.UniformResourceIdentifier(names[1])]
    )
    leaf = builder.add_extension(names_extension, critical=False).sign(signer.for_x509(), None)
    key_pem = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain_pem = b"".join(part.public_bytes(serialization.Encoding.PEM) for part in (leaf, *chain))
    return Shown(key_pem, chain_pem, now_ms + LEAF_LIFE_MS)


def _ca(
    subject: x509.Name, key: Ed25519PublicKey, path_length: int, host: str | None
) -> x509.CertificateBuilder:
    builder = _certificate(subject, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    if host is None:
        return builder
    # With a dot in front both mean all that lies below (RFC 5280, 4.2.1.10; for DNS without the dot).
    permitted = [x509.DNSName(host.lstrip(".")), x509.UniformResourceIdentifier(host)]
    return builder.add_extension(x509.NameConstraints(permitted, list(_NO_ADDRESS)), critical=True)


def _certificate(
    subject: x509.Name, key: Ed25519PublicKey | ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key)
    return builder.serial_number(x509.random_serial_number())


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(key: PublicKey, role: str) -> x509.Name:
    """Return a name without a common name; role and key make each one different from its issuer's."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, island_id(key)),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        ]
    )


def _moment(at_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_ms // 1000, tz=datetime.UTC)


# ---------------------------------------------------------------- reading


def read_leaf(data: bytes) -> Leaf:
    """Read the leaf that a caller showed, DER or PEM, and require our form exactly.

    That is: one URI and one DNS name and no other name, a P-256 key, good for clients, no CA.
    Raises `MalformedMessage`.
    """
    certificate = _parse(data)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise MalformedMessage("the leaf's key is not P-256")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise MalformedMessage("the leaf lacks names, uses or basic constraints") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    hosts = names.get_values_for_type(x509.DNSName)
    if len(uris) != 1 or len(hosts) != 1 or len(list(names)) != 2:
        raise MalformedMessage("the leaf does not name exactly one URI and one DNS name")
    if ExtendedKeyUsageOID.CLIENT_AUTH not in uses:
        raise MalformedMessage("the leaf is not made for clients")
    if constraints.ca:
        raise MalformedMessage("the leaf is a CA")
    return Leaf(hosts[0], uris[0], *_window(certificate), certificate)


def check_leaf(leaf: Leaf, signer: PublicKey, now_ms: int) -> None:
    """Require a leaf that this key signed, valid now. Raises `BadSignature` or `ExpiredAttestation`."""
    check_signature(leaf.certificate, signer)
    if not leaf.not_before_ms <= now_ms < leaf.not_after_ms:
        raise ExpiredAttestation("the leaf is outside its time window")


def check_admission_certificate(
    der: bytes, authority: PublicKey, island: PublicKey, mesh_id: bytes, now_ms: int
) -> None:
    """Require the CA certificate that an authority makes for this island. Raises `RejectedMessage`."""
    certificate = _parse(der)
    check_signature(certificate, authority)
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey) or key.public_bytes_raw() != island:
        raise MalformedMessage("the admission certificate is for another key")
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise MalformedMessage("the admission certificate has no name constraints") from error
    host = dns_name(island_id(island), mesh_id)
    wanted = [x509.DNSName(host), x509.UniformResourceIdentifier(host)]
    if not constraints.critical or constraints.value.permitted_subtrees != wanted:
        raise MalformedMessage("the admission certificate is not kept to the island's own name")
    not_before_ms, not_after_ms = _window(certificate)
    if not not_before_ms <= now_ms < not_after_ms:
        raise ExpiredAttestation("the admission certificate is outside its time window; compare the clocks")


def check_signature(certificate: x509.Certificate, signer: PublicKey) -> None:
    """Require an Ed25519 signature by this key. Raises `BadSignature`."""
    is_ours = certificate.signature_algorithm_oid == SignatureAlgorithmOID.ED25519
    if not is_ours or not is_signed_by(signer, certificate.tbs_certificate_bytes, certificate.signature):
        raise BadSignature("the certificate is not signed by the key that should have")


def check_shown(shown: Shown, roots_pem: bytes) -> None:
    """Require what C-core will be able to load: whole roots, and a key that belongs to the leaf.

    Raises `MalformedMessage`. C-core drops a bad configuration silently and goes on with the one before.
    """
    try:
        key = serialization.load_pem_private_key(shown.key_pem, password=None)
        leaf = x509.load_pem_x509_certificates(shown.chain_pem)[0]
        x509.load_pem_x509_certificates(roots_pem)
    except (ValueError, TypeError) as error:
        raise MalformedMessage("a key, chain or root for TLS does not load") from error
    if key.public_key() != leaf.public_key():
        raise MalformedMessage("the key for TLS does not belong to its leaf")


def fingerprint(data: bytes) -> bytes:
    """Return SHA-256 of a certificate as it was shown: its name in caches."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def _parse(data: bytes) -> x509.Certificate:
    if len(data) > 4 * CERTIFICATE_BYTES_MAX:
        raise MalformedMessage("the certificate is too large")
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except (ValueError, TypeError) as error:
        raise MalformedMessage("the certificate does not decode") from error


def _window(certificate: x509.Certificate) -> tuple[int, int]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return round(begin.timestamp() * 1000), round(end.timestamp() * 1000)
