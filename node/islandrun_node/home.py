"""Where a node keeps its things: one folder with the settings, the keys and the state.

Everything secret is created with mode 0600 inside a folder of mode 0700; nothing else in the
node builds a path of its own.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from islandrun.errors import StateError
from islandrun_node.fail_points import Step, reach


def default_home() -> Path:
    """Return `$ISLANDRUN_HOME`, or the data folder of this user (XDG on Linux)."""
    named = os.environ.get("ISLANDRUN_HOME")
    return Path(named) if named else Path(platformdirs.user_data_dir("islandrun", appauthor=False))


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one node."""

    path: Path

    @property
    def config(self) -> Path:
        """The settings, TOML."""
        return self.path / "config.toml"

    @property
    def database(self) -> Path:
        """The state: attestations, sequences, tokens."""
        return self.path / "state.db"

    @property
    def receipts(self) -> Path:
        """The log of receipts, and what was witnessed of the logs of others."""
        return self.path / "receipts.db"

    @property
    def documents(self) -> Path:
        """The index of the data sets that lie here."""
        return self.path / "documents.db"

    @property
    def conversations(self) -> Path:
        """The vaults of conversations, sealed; a backup needs no copy of it."""
        return self.path / "conversations.db"

    @property
    def costs(self) -> Path:
        """What was spent, and how long answers are; a restore leaves it, for an old copy gives money back."""
        return self.path / "costs.db"

    @property
    def prices(self) -> Path:
        """The owner's price table, TOML; it counts before the one that comes with the program."""
        return self.path / "prices.toml"

    @property
    def keys(self) -> Path:
        """The folder of secret keys."""
        return self.path / "keys"

    @property
    def island_key(self) -> Path:
        """The key that is this island's identity."""
        return self.keys / "island.key"

    @property
    def owner_key(self) -> Path:
        """The key that admits islands; only on the owner's machine."""
        return self.keys / "owner.key"

    @property
    def locked_owner_key(self) -> Path:
        """The same key under a passphrase; it takes the place of the other."""
        return self.keys / "owner.locked"

    @property
    def holds_root(self) -> bool:
        """Whether the owner's key lies here, locked or not."""
        return self.owner_key.exists() or self.locked_owner_key.exists()

    @property
    def admitter_key(self) -> Path:
        """The key with which this node admits islands when the owner lets it."""
        return self.keys / "admitter.key"

    @property
    def next_key(self) -> Path:
        """The key that is to succeed this island's, until it does."""
        return self.keys / "island-next.key"

    def outbound_key(self, name: str) -> Path:
        """Return the path of the identity of an outbound island that this node fronts."""
        return self.keys / f"outbound-{name}.key"

    @property
    def genesis(self) -> Path:
        """The first statement of the mesh; a home with this file is a member."""
        return self.path / "genesis.bin"

    @property
    def left(self) -> Path:
        """The genesis of a mesh that this home is leaving; the file goes last."""
        return self.path / "genesis.left"

    @property
    def lock(self) -> Path:
        """Held by the node while it runs, and by a command that must not run beside it."""
        return self.path / "node.lock"

    @property
    def token(self) -> Path:
        """The bearer token of the local listeners."""
        return self.path / "local.token"

    @property
    def running(self) -> Path:
        """Addresses and process id of the node while it runs, JSON."""
        return self.path / "running.json"

    @property
    def is_member(self) -> bool:
        """Whether this home belongs to a mesh."""
        return self.genesis.exists()

    def create(self) -> None:
        """Make the folders, private to this user."""
        for folder in (self.path, self.keys):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)


@contextmanager
def held_alone(home: Home) -> Generator[None]:
    """Hold the home for one process. Raises `StateError` when a node runs in it already."""
    if not home.is_member or sys.platform == "win32":
        yield
        return
    import fcntl

    with home.lock.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateError(f"a node runs in {home.path} already; stop it first") from None
        yield


def destroy(path: Path) -> None:
    """Remove a secret file and overwrite what it held; the disk may keep copies that no program reaches.

    It is gone before it is overwritten: a crash in between leaves no file that looks damaged.
    """
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            path.unlink()
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"cannot remove {path}: {error.strerror}; remove it by hand") from error


def write_private(path: Path, content: bytes) -> None:
    """Create a file that only this user can read; refuse when it exists already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise StateError(f"{path} exists already and was not touched; move it away first") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            reach(Step.WRITE_FILE, "before")
            os.fsync(file.fileno())
        _keep_entries(path.parent)
        reach(Step.WRITE_FILE, "after")
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise StateError(f"cannot write {path}: {error.strerror}; free space or fix the folder") from error


def replace_private(path: Path, content: bytes) -> None:
    """Replace a private file in one step: a reader sees the old content or the new, never a part."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        scratch.unlink()
    write_private(scratch, content)
    reach(Step.REPLACE_FILE, "before")
    try:
        scratch.replace(path)
        _keep_entries(path.parent)
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}; free space or fix the folder") from error
    reach(Step.REPLACE_FILE, "after")


def _keep_entries(folder: Path) -> None:
    """Bring the names in a folder to the disk: a new file is not safe before its entry is."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """Read a secret file; refuse one that others could have read."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise StateError(f"{path} is missing; restore it from a backup or make a new home") from error
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise StateError(f"{path} can be read by other users; run: chmod 600 {path}")
    return content
