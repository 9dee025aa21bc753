"""Forged messages from one seed, thousands a second: the right shape with hostile values, and damaged bytes.

Shape comes from the protobuf descriptors, so that a message or field that is added is forged too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_EDGES = (0, 1, 2, 10, 31, 32, 255, 256, 1023, 1024, 4096, 1_000_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
          1 << 52, (1 << 63) - 1, (1 << 64) - 1)  # fmt: skip
_TEXTS = ("", "self", "admission", "authority", "vouch", "certification", "user", "tool", "stop", "DE", "de",
          "a:1", "[::1]:0", "a" * 65, "\0", "\u202e", "{}", "[" * 200, "iso27001", "-1")  # fmt: skip
_SIZES = (0, 1, 8, 16, 31, 32, 33, 64)


class Forger:
    """Makes messages. `known` are byte strings that mean something to the reader: keys, names, statements."""

    def __init__(self, seed: int | str, known: Sequence[bytes] = ()) -> None:
        self.dice = random.Random(seed)
        self._known = tuple(known)

    def message(self, kind: type[Any], depth: int = 5) -> Any:
        """Return a message of a type with any of its fields, in any measure."""
        message = kind()
        density = self.dice.choice((0.2, 0.5, 0.9))
        for field in kind.DESCRIPTOR.fields:
            if self.dice.random() < density:
                self._fill(message, field, depth)
        return message

    def data(self, kind: type[Any]) -> bytes:
        """Return bytes that a message of a type could be: whole, damaged, or nothing like it."""
        choice = self.dice.random()
        if choice < 0.05:
            return self.dice.randbytes(self.dice.randrange(300))
        if choice < 0.07:
            return self._bomb()
        data = self.message(kind).SerializeToString()
        for _ in range(self.dice.choice((0, 0, 1, 1, 2, 5))):
            data = self.damaged(data)
        return data

    def damaged(self, data: bytes) -> bytes:
        """Flip, cut, double, insert or swap somewhere."""
        start = self.dice.randrange(len(data) + 1)
        end = min(len(data), start + self.dice.choice((1, 2, 4, 32)))
        piece = data[start:end]
        put = self.dice.choice(
            (b"", piece * 2, piece[::-1], b"\xff" * 10, self.dice.randbytes(len(piece)), self._bytes())
        )
        return data[:start] + put + data[end:]

    def _bomb(self) -> bytes:
        """Return groups in groups, messages in messages, or a length that promises far too much."""
        depth = self.dice.choice((90, 101, 5000))
        nested = b""
        for _ in range(min(depth, 101)):
            nested = b"\x0a" + varint(len(nested)) + nested
        return self.dice.choice((b"\x0b" * depth, nested, b"\x0a" + varint((1 << 31) - 1) + bytes(8)))

    def _fill(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE and depth == 0:
            return
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._fill_map(getattr(message, field.name), field.message_type, depth)
        if field.is_repeated:
            count = self.dice.choice((0, 1, 2, 3, 3, 17))
            values = [self._value(field, depth - 1) for _ in range(count)]
            getattr(message, field.name).extend(values)
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(self._value(field, depth - 1))
        else:
            setattr(message, field.name, self._value(field, depth))
        return None

    def _fill_map(self, table: Any, entry: Descriptor, depth: int) -> None:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        for _ in range(self.dice.randrange(4)):
            made = self._value(value, depth - 1)
            if value.message_type is None:
                table[self._value(key, depth)] = made
            else:
                table[self._value(key, depth)].CopyFrom(made)

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            return self.message(field.message_type._concrete_class, depth)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._bytes()
        return _MAKERS[field.cpp_type](self)

    def _bytes(self) -> bytes:
        if self._known and self.dice.random() < 0.6:
            return self.dice.choice(self._known)
        return self.dice.randbytes(self.dice.choice(_SIZES))

    def _text(self) -> str:
        if self.dice.random() < 0.8:
            return self.dice.choice(_TEXTS)
        return "".join(chr(self.dice.choice((97, 65, 49, 58, 46, 228, 0x1F600))) for _ in range(9))

    def _number(self, bits: int, is_signed: bool) -> int:
        value = self.dice.choice(_EDGES) + self.dice.choice((-1, 0, 0, 0, 1))
        if is_signed:
            half = 1 << (bits - 1)
            return (value % (1 << bits)) - half if self.dice.random() < 0.3 else value % half
        return value % (1 << bits)


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


_FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 1e300, float("inf"), float("nan"))
_MAKERS: dict[int, Callable[[Forger], Any]] = {
    FieldDescriptor.CPPTYPE_STRING: Forger._text,
    FieldDescriptor.CPPTYPE_BOOL: lambda forger: forger.dice.random() < 0.5,
    FieldDescriptor.CPPTYPE_ENUM: lambda forger: forger.dice.choice((0, 1, 2, 3, 4, 99, -1)),
    FieldDescriptor.CPPTYPE_DOUBLE: lambda forger: forger.dice.choice(_FLOATS),
    FieldDescriptor.CPPTYPE_FLOAT: lambda forger: forger.dice.choice(_FLOATS),
    FieldDescriptor.CPPTYPE_INT32: lambda forger: forger._number(32, True),
    FieldDescriptor.CPPTYPE_INT64: lambda forger: forger._number(64, True),
    FieldDescriptor.CPPTYPE_UINT32: lambda forger: forger._number(32, False),
    FieldDescriptor.CPPTYPE_UINT64: lambda forger: forger._number(64, False),
}
