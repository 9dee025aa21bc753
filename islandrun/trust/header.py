"""What every statement says first: who, of whom, when, and which of several it is."""

from __future__ import annotations

from dataclasses import dataclass

from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import PublicKey


@dataclass(frozen=True, slots=True)
class Header:
    """What every statement says first; (epoch, sequence) orders statements of one place."""

    mesh_id: bytes
    issuer: PublicKey
    subject: PublicKey
    sequence: int
    issued_at_ms: int
    not_before_ms: int
    not_after_ms: int
    slot: int = 0
    epoch: int = 0
    previous_hash: bytes = b""

    @classmethod
    def made_now(
        cls,
        mesh_id: bytes,
        issuer: PublicKey,
        subject: PublicKey,
        sequence: int,
        now_ms: int,
        not_after_ms: int,
        slot: int = 0,
        previous_hash: bytes = b"",
    ) -> Header:
        """Return the header of a statement that is signed now and holds from now on."""
        times = (now_ms, now_ms, not_after_ms)
        return cls(mesh_id, issuer, subject, sequence, *times, slot, previous_hash=previous_hash)

    @property
    def version(self) -> tuple[int, int]:
        """Epoch and sequence: higher is newer."""
        return self.epoch, self.sequence


def header_to_wire(header: Header) -> pb.Header:
    """Return a header in its form on the wire."""
    return pb.Header(
        mesh_id=header.mesh_id,
        issuer=header.issuer,
        subject=header.subject,
        slot=header.slot,
        epoch=header.epoch,
        sequence=header.sequence,
        previous_hash=header.previous_hash,
        issued_at_ms=header.issued_at_ms,
        not_before_ms=header.not_before_ms,
        not_after_ms=header.not_after_ms,
    )


def header_from_wire(header: pb.Header) -> Header:
    """Read a header that `wire` has checked."""
    return Header(
        mesh_id=header.mesh_id,
        issuer=PublicKey(header.issuer),
        subject=PublicKey(header.subject),
        sequence=header.sequence,
        issued_at_ms=header.issued_at_ms,
        not_before_ms=header.not_before_ms,
        not_after_ms=header.not_after_ms,
        slot=header.slot,
        epoch=header.epoch,
        previous_hash=header.previous_hash,
    )
