"""The committed protobuf code carries exactly what proto/ says, and loads on the oldest protobuf allowed."""

import re
from pathlib import Path

from google.protobuf import descriptor_pb2

from islandrun.v1 import (
    attestation_pb2,
    audit_pb2,
    chat_pb2,
    enroll_pb2,
    inference_pb2,
    mesh_pb2,
    relay_pb2,
    status_pb2,
)

ROOT = Path(__file__).parents[2]
MODULES = [attestation_pb2, audit_pb2, chat_pb2, enroll_pb2, inference_pb2, mesh_pb2, relay_pb2, status_pb2]


def test_every_proto_file_has_its_module() -> None:
    protos = sorted(path.stem for path in (ROOT / "proto/islandrun/v1").glob("*.proto"))
    assert protos == [module.DESCRIPTOR.name.rpartition("/")[2].removesuffix(".proto") for module in MODULES]


def test_every_message_and_rpc_of_the_source_is_in_the_code() -> None:
    for module in MODULES:
        source = (ROOT / "proto" / module.DESCRIPTOR.name).read_text()
        described = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(described)
        messages = re.findall(r"^message (\w+)", source, re.MULTILINE)
        assert messages == [message.name for message in described.message_type]
        rpcs = re.findall(r"^\s*rpc (\w+)", source, re.MULTILINE)
        assert rpcs == [rpc.name for service in described.service for rpc in service.method]


def test_signed_statements_hold_no_floating_point_number() -> None:
    floats = {descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE, descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT}
    described = descriptor_pb2.FileDescriptorProto()
    attestation_pb2.DESCRIPTOR.CopyToProto(described)
    assert not [
        field.name for message in described.message_type for field in message.field if field.type in floats
    ]


def test_the_code_was_made_by_the_pinned_compiler() -> None:
    for path in sorted((ROOT / "islandrun/v1").glob("*_pb2.py")):
        assert "# Protobuf Python Version: 6.31.1" in path.read_text()
