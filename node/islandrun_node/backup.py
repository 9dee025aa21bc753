"""A home copied to a folder and back: state, settings, membership, and on request the secret keys.

What lies in a backup is old. So a restored home closes its join tokens (one may have been used since), puts
every sequence above the present moment, and notes that it was restored: its node asks other islands for what
it said since before it says anything. Vaults and document indexes are not copied.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from islandrun.errors import StateError
from islandrun.vocabulary import IslandId
from islandrun_node.home import Home, read_private, replace_private, write_private
from islandrun_node.identity import IslandKey, load_membership, read_genesis_file
from islandrun_node.stores.database import Database
from islandrun_node.stores.marks import note_restored
from islandrun_node.stores.schema import RECEIPTS

SCHEMA: Final = "islandrun.backup/v1"
FILE_BYTES_MAX: Final = 1024 * 1024
_MANIFEST: Final = "backup.json"
_STATE: Final = "state.db"
_RECEIPTS: Final = "receipts.db"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds: the SHA-256 of each file by its name inside the folder."""

    schema: str
    made_at_ms: int
    mesh: str
    island: str
    has_keys: bool
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did; `replaced` is the folder where the files went that lay there before."""

    manifest: Manifest
    replaced: Path | None


def make_backup(home: Home, target: Path, with_keys: bool, now_ms: int) -> Manifest:
    """Copy a home to the new folder `target`, private to this user, whether its node runs or not.

    Raises `StateError` when the folder exists, or something cannot be read or written.
    """
    membership = load_membership(home)
    try:
        target.mkdir(mode=0o700)
        (target / "keys").mkdir(mode=0o700)
    except OSError as error:
        raise StateError(f"cannot make the folder {target}: {error.strerror}; name a new one") from error
    files = [home.genesis.name]
    if home.config.exists():
        files.append(home.config.name)
    if with_keys:
        files += [name for path in sorted(home.keys.iterdir()) if _is_ours(name := f"keys/{path.name}")]
    for name in files:
        write_private(target / name, (home.path / name).read_bytes())
    with closing(Database.open(home.database)) as database:
        database.copy_to(target / _STATE)
    with closing(Database.open(home.receipts, RECEIPTS)) as log:
        log.copy_to(target / _RECEIPTS)
    manifest = Manifest(
        schema=SCHEMA,
        made_at_ms=now_ms,
        mesh=membership.genesis.name,
        island=membership.key.id,
        has_keys=with_keys,
        files={name: _sha256(target / name) for name in (*files, _STATE, _RECEIPTS)},
    )
    write_private(target / _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def restore(home: Home, source: Path, now_ms: int) -> Restored:
    """Make `home` what the backup in `source` says; its node must not run. Nothing that was there is deleted.

    Raises `StateError`, having changed nothing, when the backup is not whole, of another mesh, or has no key
    and neither has the home.
    """
    manifest = _checked(source)
    _require_fit(home, source, manifest)
    home.create()
    databases = [name for name in (_RECEIPTS, _STATE) if name in manifest.files]
    prepared = {name: _prepared(home, source, name) for name in databases}
    with closing(Database.open(prepared[_STATE])) as database:
        note_restored(database, max(now_ms, manifest.made_at_ms))
        database.read("PRAGMA wal_checkpoint(TRUNCATE)")
        database.read("PRAGMA journal_mode = DELETE")
    replaced = _set_aside(home, databases, now_ms)
    for name in manifest.files:
        if name.startswith("keys/") and not (home.path / name).exists():
            write_private(home.path / name, (source / name).read_bytes())
    if home.config.name in manifest.files and not home.config.exists():
        write_private(home.config, (source / home.config.name).read_bytes())
    for name in databases:
        prepared[name].replace(home.path / name)
    replace_private(home.genesis, (source / home.genesis.name).read_bytes())
    return Restored(manifest, replaced)


def _checked(source: Path) -> Manifest:
    """Return the manifest of a backup that is whole."""
    try:
        manifest = msgspec.json.decode(_read(source / _MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise StateError(f"{source / _MANIFEST} is no backup's list: {error}; name another folder") from error
    if manifest.schema != SCHEMA:
        raise StateError(
            f"{source} is a backup of another version ({manifest.schema[:40]}); update islandrun"
        )
    for name, digest in manifest.files.items():
        if not _is_ours(name) or _sha256(source / name) != digest:
            raise StateError(f"{source / name} is not as it was saved; use another backup")
    if not {_STATE, "genesis.bin"} <= manifest.files.keys():
        raise StateError(f"{source} lacks its state or its mesh; use another backup")
    return manifest


def _require_fit(home: Home, source: Path, manifest: Manifest) -> None:
    """Refuse a backup of another mesh or island than the home has, and one without a key for it."""
    genesis = read_genesis_file(source / home.genesis.name)
    if home.is_member and read_genesis_file(home.genesis).mesh_id != genesis.mesh_id:
        raise StateError(f"{home.path} belongs to another mesh than {source}; choose another --home")
    key_file = home.island_key if home.island_key.exists() else source / "keys" / home.island_key.name
    if not key_file.exists():
        raise StateError(
            f"neither {home.keys} nor the backup holds the island's key; use a backup made --with-keys, or "
            "join the mesh again"
        )
    if IslandKey.load(key_file).id != IslandId(manifest.island):
        raise StateError(f"{key_file} is the key of another island than {source}; choose another --home")


def _prepared(home: Home, source: Path, name: str) -> Path:
    """Copy a database of a backup beside the one whose place it takes."""
    prepared = home.path / f".{name}.restored"
    prepared.unlink(missing_ok=True)
    shutil.copyfile(source / name, prepared)
    prepared.chmod(0o600)
    return prepared


def _set_aside(home: Home, databases: Sequence[str], now_ms: int) -> Path | None:
    """Move the databases that are there into a folder of their own."""
    found = [path for name in databases for path in sorted(home.path.glob(f"{name}*")) if path.is_file()]
    if not found:
        return None
    folder = home.path / f"replaced-{now_ms}"
    folder.mkdir(mode=0o700)
    for path in found:
        path.rename(folder / path.name)
    return folder


def _is_ours(name: str) -> bool:
    """Say whether a name is one that a backup may hold: nothing that leads out of the folder."""
    folder, _, file = name.rpartition("/")
    is_key = folder == "keys" and file.endswith((".key", ".locked")) and not file.startswith(".")
    return is_key or name in (_STATE, _RECEIPTS, "genesis.bin", "config.toml")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}; use another backup") from error


def _read(path: Path) -> bytes:
    content = read_private(path)
    if len(content) > FILE_BYTES_MAX:
        raise StateError(f"{path} is too large for a backup's list; name another folder")
    return content
