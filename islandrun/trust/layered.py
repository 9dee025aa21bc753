"""A table that begins with what another one holds, and costs only what it changes.

For many islands in one process: they know the same, and each goes its own way from there. The table below
must not change any more. A node's own tables are plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Generic, TypeVar, overload

Key = TypeVar("Key")
Value = TypeVar("Value")
Other = TypeVar("Other")


class Layered(MutableMapping[Key, Value], Generic[Key, Value]):
    """A table over another one, which it leaves as it is.

    Values that can change must not be shared: with `copy` a value is copied when it is first looked at.
    """

    __slots__ = ("_below", "_copy", "_gone", "_own", "_size")

    def __init__(self, below: Mapping[Key, Value], copy: Callable[[Value], Value] | None = None) -> None:
        self._below = below
        self._copy = copy
        self._own: dict[Key, Value] = {}
        self._gone: set[Key] = set()
        self._size = len(below)

    def __getitem__(self, key: Key) -> Value:
        own = self._own
        if key in own:
            return own[key]
        if key in self._gone:
            raise KeyError(key)
        value = self._below[key]
        if self._copy is not None:
            value = own[key] = self._copy(value)
        return value

    @overload
    def get(self, key: Key, /) -> Value | None: ...

    @overload
    def get(self, key: Key, /, default: Value | Other) -> Value | Other: ...

    def get(self, key: Key, /, default: object = None) -> object:
        """Return the value of a key, or the default where there is none."""
        own = self._own
        if key in own:
            return own[key]
        if key in self._gone or key not in self._below:
            return default
        return self._below[key] if self._copy is None else self[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        self._size += key not in self
        self._gone.discard(key)
        self._own[key] = value

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self._size -= 1
        self._own.pop(key, None)
        if key in self._below:
            self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key in self._below and key not in self._gone)

    def __iter__(self) -> Iterator[Key]:
        """Go through the keys below in their order, then through those that are new."""
        for key in self._below:
            if key not in self._gone:
                yield key
        for key in self._own:
            if key not in self._below:
                yield key

    def __len__(self) -> int:
        return self._size

    def is_own(self, key: Key) -> bool:
        """Say whether the value of a key is this table's own, not that of the one below."""
        return key in self._own


Inner = TypeVar("Inner")


def own(table: MutableMapping[Key, MutableMapping[Inner, Value]], name: Key) -> MutableMapping[Inner, Value]:
    """Return the inner table of this name, to be changed: made when missing, layered where it is shared."""
    inner = table.get(name)
    if inner is None:
        inner = table[name] = {}
    elif isinstance(table, Layered) and not table.is_own(name):
        inner = table[name] = Layered(inner)
    return inner
