"""Channels are made in one module: whoever makes one elsewhere could trust more than the dialled key."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKERS = {"secure_channel", "insecure_channel", "ssl_channel_credentials", "local_channel_credentials"}
ALLOWED = ROOT / "node" / "islandrun_node" / "channels.py"


def makers_in(text: str) -> set[str]:
    """Return the names in a source text that make channels or their credentials."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) | ast.alias(asname=name):
                names.add(name)
            case ast.Constant(value=str(name)):
                names.add(name)
    return names & MAKERS


def sources() -> list[Path]:
    folders = [ROOT / "islandrun", ROOT / "node", ROOT / "scripts"]
    generated = ROOT / "islandrun" / "v1"
    return [path for folder in folders for path in sorted(folder.rglob("*.py")) if path.parent != generated]


def test_only_channels_makes_channels() -> None:
    guilty = {
        str(path.relative_to(ROOT)) for path in sources() if path != ALLOWED and makers_in(path.read_text())
    }
    assert guilty == set()


def test_it_would_notice() -> None:
    assert makers_in(ALLOWED.read_text()) == MAKERS - {"insecure_channel"}
    assert makers_in("import grpc\ngrpc.aio.insecure_channel('x')") == {"insecure_channel"}
    assert makers_in("from grpc.aio import secure_channel as s") == {"secure_channel"}
    assert makers_in("getattr(grpc, 'secure_channel')") == {"secure_channel"}
