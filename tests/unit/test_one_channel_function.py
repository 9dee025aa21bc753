"""Channels are made in one module, and trust one key: whoever makes one elsewhere could trust more."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = ROOT / "node" / "islandrun_node"
MAKERS = {
    "secure_channel", "insecure_channel", "ssl_channel_credentials", "local_channel_credentials",
    "insecure_channel_credentials", "alts_channel_credentials", "xds_channel_credentials",
    "composite_channel_credentials", "compute_engine_channel_credentials", "experimental", "_cython",
    "cygrpc", "create_default_context", "SSLContext", "PROTOCOL_TLS_CLIENT",
}  # fmt: skip
"""All names with which grpc, or TLS without grpc, can dial; `grpc.experimental` makes channels in passing."""

ANCHORS = {"owner_anchor", "join_anchor", "island_anchor"}
CHANNELS = NODE / "channels.py"
MAKES = {CHANNELS: {"secure_channel", "ssl_channel_credentials", "local_channel_credentials"}}
TRUSTS = {
    NODE / "certificates.py": {"owner_anchor", "join_anchor", "island_anchor"},
    NODE / "tls.py": {"owner_anchor", "join_anchor"},
    CHANNELS: {"island_anchor"},
}
"""Who uses which anchor: a listener lets in whom the owner admits, a channel trusts the dialled key alone."""


def names_in(text: str, wanted: set[str]) -> set[str]:
    """Return the wanted names that stand anywhere in a source text, as a name, an attribute or a string."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.update((*name.split("."), other))
            case ast.ImportFrom(module=str(name)):
                names.update(name.split("."))
            case ast.Constant(value=str(name)):
                names.add(name)
    return names & wanted


def roots_in(text: str) -> set[str]:
    """Return what is given as the roots of channel credentials, as source text."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and names_in(ast.unparse(node.func), {"ssl_channel_credentials"}):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            roots = keywords.get("root_certificates", node.args[0] if node.args else None)
            is_call = isinstance(roots, ast.Call)
            found.add(ast.unparse(roots.func) if is_call else "something that is not an anchor")
    return found


def sources() -> list[Path]:
    folders = [ROOT / "islandrun", ROOT / "node", ROOT / "scripts"]
    generated = ROOT / "islandrun" / "v1"
    return [path for folder in folders for path in sorted(folder.rglob("*.py")) if path.parent != generated]


def users_of(wanted: set[str]) -> dict[Path, set[str]]:
    found = {path: names_in(path.read_text(), wanted) for path in sources()}
    return {path: names for path, names in found.items() if names}


def test_only_channels_makes_channels() -> None:
    assert users_of(MAKERS) == MAKES


def test_each_anchor_is_used_where_it_belongs() -> None:
    assert users_of(ANCHORS) == TRUSTS


def test_a_channel_trusts_the_dialled_island_alone() -> None:
    assert roots_in(CHANNELS.read_text()) == {"island_anchor"}


def doors_in(text: str) -> list[set[str]]:
    """Return what stands before the services of each gRPC server in a source text."""
    return [
        names_in(ast.unparse(node), {"gate", "LateReading", "TokenCheck"})
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "grpc.aio.server"
    ]


def test_no_listener_reads_before_it_knows_its_caller() -> None:
    doors = [door for path in sources() for door in doors_in(path.read_text())]
    assert len(doors) >= 3
    assert all(door in ({"gate", "LateReading"}, {"TokenCheck"}) for door in doors)
    assert doors_in("grpc.aio.server()") == [set()]


def test_it_would_notice() -> None:
    for text, name in (
        ("import grpc\ngrpc.aio.insecure_channel('x')", "insecure_channel"),
        ("from grpc.aio import secure_channel as s", "secure_channel"),
        ("from x import y as secure_channel", "secure_channel"),
        ("getattr(grpc, 'secure_channel')", "secure_channel"),
        ("import grpc.experimental as e", "experimental"),
        ("from grpc.experimental import unary_unary", "experimental"),
        ("from grpc._cython import x", "_cython"),
        ("import ssl\nssl.create_default_context()", "create_default_context"),
    ):
        assert names_in(text, MAKERS) == {name}
    assert roots_in("grpc.ssl_channel_credentials(owner_anchor(k))") == {"owner_anchor"}
    assert roots_in("ssl_channel_credentials(root_certificates=x)") == {"something that is not an anchor"}
    assert roots_in("ssl_channel_credentials()") == {"something that is not an anchor"}
