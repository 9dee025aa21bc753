"""The policy that counts now: read anew when the settings file changes or SIGHUP comes, or kept.

A file that is gone or cannot be read, or rules that contradict themselves, change nothing: the policy before
goes on, and the node says so in its log and its status. A file that changes is read when it has stood still
from one look to the next, so that nobody reads half of it. Only [policy] without `tier_trust` counts at once;
a change anywhere else is told, and needs a restart.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

import msgspec

from islandrun.errors import ConfigError
from islandrun_node import config
from islandrun_node.config_tables import Config
from islandrun_node.policy import OwnerPolicy, owner_policy

POLL_SECONDS: Final = 1.0
KEPT_KEYS: Final = ("tier_trust",)
"""Keys of [policy] that count from the start of the node on: trust is worked out in many places."""

Mark = tuple[int, int, int] | None

_log = logging.getLogger(__name__)


class PolicyWatch:
    """Watches one settings file; `policy` is what counts for a request that begins now."""

    def __init__(self, path: Path, started_with: Config) -> None:
        self._path = path
        self._policy = owner_policy(started_with, str(path))
        self._mark = self._seen = _mark(path)
        self._had_file = self._mark is not None
        self._before = self._as_read(started_with)
        self._reread = asyncio.Event()
        self._fault = ""

    @property
    def policy(self) -> OwnerPolicy:
        """The policy that counts now."""
        return self._policy

    def reread(self) -> None:
        """Read the file at once, whether it seems changed or not."""
        self._reread.set()

    def degraded(self) -> tuple[str, ...]:
        """Say why the settings file does not count; empty when it does."""
        return (self._fault,) if self._fault else ()

    async def run(self) -> None:
        """Look at the file every few seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._reread.wait()
                is_asked = True
            except TimeoutError:
                is_asked = False
            self._reread.clear()
            self._look(is_asked)

    def _look(self, is_asked: bool) -> None:
        """Read the file when somebody asks, or when it has changed and then stood still."""
        mark = _mark(self._path)
        stands_still = mark == self._seen
        self._seen = mark
        if is_asked or (stands_still and mark != self._mark):
            self._mark = mark
            self.read()

    def read(self) -> None:
        """Take the policy of the file, or keep the one before and say why."""
        try:
            if self._had_file and not self._path.exists():
                raise ConfigError(f"{self._path} is gone; put it back, or stop the node to go on without it")
            found = config.load(self._path)
            policy = owner_policy(found, str(self._path))
        except ConfigError as error:
            self._fault = f"the policy before counts on, because the settings are wrong: {error}"
            _log.error("%s", self._fault)
            return
        self._policy, self._fault, self._had_file = policy, "", self._path.exists()
        self._tell_of_others(found)
        self._before = found
        _log.info("the policy was read: %d rules, %d keys", len(policy.rules.rules), len(policy.quotas))

    def _tell_of_others(self, found: Config) -> None:
        """Say which changed keys wait for a restart."""
        waiting = [key for key in _changed(self._before, found) if not _counts_at_once(key)]
        if waiting:
            _log.warning("restart the node for what changed in %s", ", ".join(waiting))

    def _as_read(self, started_with: Config) -> Config:
        """Return the settings of the file alone, without the flags of the command line."""
        try:
            return config.load(self._path)
        except ConfigError:
            return started_with


def _counts_at_once(key: str) -> bool:
    table, _, inner = key.partition(".")
    return table == "policy" and inner not in KEPT_KEYS


def _changed(before: Config, after: Config) -> list[str]:
    """Name the keys, down to those of a table, whose values differ."""
    keys = []
    for name in after.__struct_fields__:
        one, other = getattr(before, name), getattr(after, name)
        if one == other:
            continue
        if isinstance(other, msgspec.Struct):
            keys += [
                f"{name}.{key}" for key in other.__struct_fields__ if getattr(one, key) != getattr(other, key)
            ]
        else:
            keys.append(name)
    return keys


def _mark(path: Path) -> Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
