"""`islandrun-node data`: folders of documents that stay on this island, whether its node runs or not."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click

from islandrun.errors import ConfigError, StateError
from islandrun.locality.catalog import AUTO
from islandrun.wire import limits
from islandrun_node import config
from islandrun_node.backends.embedder import Embedder
from islandrun_node.cli.output import CommandFailed, show, table
from islandrun_node.cli.session import Session
from islandrun_node.home import Home, held_alone
from islandrun_node.stores.data_sets import DataSetStore, Declared
from islandrun_node.stores.database import Database
from islandrun_node.stores.documents import DataSet, DocumentIndex

NODE_SECONDS_MAX: Final = 10.0
"""How long a command waits for the running node to read a new folder before it says that this goes on."""

_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")
_JURISDICTION: Final = re.compile(r"[A-Z]{2}")


@click.group("data")
def data() -> None:
    """Put documents on this island; requests that need them come here."""


@data.command("add")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="How requests name it [default: the folder's name].")
@click.option(
    "--sensitivity",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="The trust an island needs to see passages.",
)
@click.option("--jurisdiction", metavar="CC", help="Passages stay with islands that lie wholly there.")
@click.option("--description", default="", help="What it is about; told to the mesh.")
@click.pass_obj
def add(
    session: Session,
    path: Path,
    name: str | None,
    sensitivity: float,
    jurisdiction: str | None,
    description: str,
) -> None:
    """Add the folder PATH, or say anew what it is. The documents are read and stay where they are."""
    folder = path.expanduser().resolve()
    declared = Declared(
        _checked_name(name or re.sub(r"[^a-z0-9-]+", "-", folder.name.lower()).strip("-")[:32]),
        str(folder),
        config.ppm(sensitivity),
        _checked_jurisdiction(jurisdiction),
        _checked_description(description),
    )
    with _opened(session.home) as store:
        _refuse_setting(session.home, declared.name)
        others = [one for one in store.all() if one.name != declared.name]
        if len(others) + len(_settings(session.home)) >= limits.DATA_SETS_MAX:
            raise CommandFailed(f"this island holds {limits.DATA_SETS_MAX} data sets", "remove one first")
        store.put(declared)
    read = _read(session.home, declared)
    content = _shown(declared, read)
    if read is None:
        text = f"{declared.name}: declared; the running node is still reading {folder}"
    else:
        text = f"{declared.name}: {read.documents} documents, {read.passages} sentences"
        text += f"; {read.left_out} files left out (`data list --left-out`)" if read.left_out else ""
    show(session, "data-add/v1", content, text)


@data.command("list")
@click.option("--left-out", is_flag=True, help="Also list the files that are not read, and why.")
@click.pass_obj
def list_(session: Session, left_out: bool) -> None:
    """List the data sets of this island."""
    with _opened(session.home) as store:
        by_name = {one.name: one for one in (*store.all(), *_settings(session.home))}
    with _index(session.home) as index:
        known = {one.name: one for one in index.data_sets()}
        entries = [_shown(one, known.get(name)) for name, one in sorted(by_name.items())]
        for entry in entries if left_out else ():
            reasons = index.left_out(str(entry["name"]))
            entry["files_left_out"] = [{"file": file, "reason": reason} for file, reason in reasons]
    heads = ("NAME", "DOCUMENTS", "SENTENCES", "SENSITIVITY", "PLACE", "LEFT OUT", "PATH")
    fields = ("name", "documents", "sentences", "sensitivity", "jurisdiction", "left_out", "path")
    rows = [tuple("-" if entry[key] is None else str(entry[key]) for key in fields) for entry in entries]
    lines = [table(heads, rows)]
    for entry in entries:
        files = entry.get("files_left_out", [])
        assert isinstance(files, list)
        lines += [f"{entry['name']}: {file['file']}: {file['reason']}" for file in files]
    show(session, "data-list/v1", {"data_sets": entries}, "\n".join(lines))


@data.command("remove")
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Take the data set NAME away: it is offered and read no more. The folder itself is not touched."""
    with _opened(session.home) as store:
        _refuse_setting(session.home, name)
        if not store.remove(name):
            raise CommandFailed(f"no data set is called {name[:64]!r} here", "see `islandrun-node data list`")
    if not _is_running(session.home):
        with _index(session.home) as index:
            index.remove(name)
    show(session, "data-remove/v1", {"name": name}, f"{name}: removed")


def _read(home: Home, declared: Declared) -> DataSet | None:
    """Read a new folder: by the running node, which is waited for, or here."""
    with _index(home) as index:
        if not _is_running(home):
            click.echo("Reading; this can take a while.", err=True)
            return index.add_folder(declared.name, Path(declared.path)).data_set
        before = time.time() * 1000
        until = time.monotonic() + NODE_SECONDS_MAX
        while time.monotonic() < until:
            found = next((one for one in index.data_sets() if one.name == declared.name), None)
            if found is not None and found.path == declared.path and (found.read_at_ms or 0) >= before:
                return found
            time.sleep(0.1)
    return None


@contextmanager
def _opened(home: Home) -> Generator[DataSetStore]:
    if not home.is_member:
        raise CommandFailed(f"{home.path} is no island yet", "run: islandrun-node init")
    with closing(Database.open(home.database)) as database:
        yield DataSetStore(database)


@contextmanager
def _index(home: Home) -> Generator[DocumentIndex]:
    with closing(DocumentIndex(home.documents, Embedder())) as index:
        yield index


def _is_running(home: Home) -> bool:
    """Say whether a node runs in this home; a file that one left behind when it was killed says nothing."""
    try:
        with held_alone(home):
            return False
    except StateError:
        return True


def _settings(home: Home) -> tuple[Declared, ...]:
    return tuple(
        Declared(
            one.name, one.path, config.ppm(one.sensitivity), one.jurisdiction or "", one.description, True
        )
        for one in config.load(home.config).data
    )


def _refuse_setting(home: Home, name: str) -> None:
    if any(one.name == name for one in _settings(home)):
        raise CommandFailed(f"{name} stands in the settings", f"change [[data]] in {home.config}")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name == AUTO:
        raise ConfigError(f"--name: 1 to 32 of a-z, 0-9 and '-', and not `{AUTO}`; not {name[:64]!r}")
    return name


def _checked_jurisdiction(word: str | None) -> str:
    if word is not None and not _JURISDICTION.fullmatch(word.upper()):
        raise ConfigError("--jurisdiction: an ISO 3166 code of two letters, such as DE")
    return (word or "").upper()


def _checked_description(text: str) -> str:
    text = text.strip()
    if len(text) > limits.DESCRIPTION_CHARACTERS_MAX or (text and not text.isprintable()):
        raise ConfigError(
            f"--description: one line of at most {limits.DESCRIPTION_CHARACTERS_MAX} characters"
        )
    return text


def _shown(declared: Declared, read: DataSet | None) -> dict[str, object]:
    return {
        "name": declared.name,
        "path": declared.path,
        "sensitivity": declared.sensitivity_ppm / 1_000_000,
        "jurisdiction": declared.jurisdiction or None,
        "description": declared.description,
        "in_settings": declared.is_setting,
        "documents": read.documents if read else None,
        "sentences": read.passages if read else None,
        "size_bytes": read.size_bytes if read else None,
        "left_out": read.left_out if read else None,
        "read_at_ms": read.read_at_ms if read else None,
    }
