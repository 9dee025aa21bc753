"""Secret keys: where they lie, who may read them, and that they do not show themselves."""

import copy
import pickle
import stat
from pathlib import Path

import pytest

from islandrun.errors import StateError
from islandrun.trust.ed25519 import is_signed_by
from islandrun.trust.naming import island_id
from islandrun_node.identity import IslandKey, OwnerKey, SecretKey


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "island.key"
    made = IslandKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = IslandKey.load(path)
    assert read.public == made.public
    assert read.id == island_id(made.public)
    assert is_signed_by(made.public, b"words", read.sign(b"words"))
    assert IslandKey.load_or_create(path).public == made.public


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "island.key"
    made = IslandKey.create(path)
    with pytest.raises(StateError, match="was not touched"):
        IslandKey.create(path)
    assert IslandKey.load(path).public == made.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "island.key"
    IslandKey.create(path)
    path.chmod(mode)
    with pytest.raises(StateError, match="chmod 600") as refused:
        IslandKey.load(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("damage", ["", "cut", "long", "mark", "letters", "binary"])
def test_a_damaged_key_is_refused_without_showing_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "island.key"
    IslandKey.create(path)
    text = path.read_text().strip()
    secret = text.split()[1]
    path.write_bytes(
        {
            "": b"",
            "cut": text[:-9].encode(),
            "long": (text + "aaaaaaaa").encode(),
            "mark": text.replace("-1 ", "-2 ").encode(),
            "letters": text.replace(secret[5], "1").encode(),
            "binary": bytes(range(256)),
        }[damage]
    )
    with pytest.raises(StateError, match="not a whole key file") as refused:
        IslandKey.load(path)
    assert secret[:8] not in str(refused.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"island\.key is missing"):
        IslandKey.load(tmp_path / "island.key")


@pytest.mark.parametrize("kind", [IslandKey, OwnerKey])
def test_a_key_does_not_show_itself(tmp_path: Path, kind: type[SecretKey]) -> None:
    path = tmp_path / "x.key"
    key = kind.create(path)
    secret = path.read_text().split()[1]
    assert repr(key) == str(key) == f"<{kind.__name__} {key.id[:8]}>"
    assert secret not in repr(vars(type(key)))
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            act(key)


def test_derived_secrets_differ_by_purpose_and_key() -> None:
    one, two = IslandKey.generate(), IslandKey.generate()
    assert one.derived("a") == one.derived("a")
    assert len({one.derived("a"), one.derived("b"), two.derived("a")}) == 3
    assert len(one.derived("a")) == 32
    assert one.derived("a") != one.for_x509().private_bytes_raw()
