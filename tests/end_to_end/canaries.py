"""Card numbers that no one else has, each planted at one place, and every form in which one could leak."""

from __future__ import annotations

import base64
from urllib.parse import quote

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message


class Canaries:
    """Makes the canaries of one test and finds them again."""

    def __init__(self) -> None:
        self._planted: dict[str, str] = {}

    def at(self, place: str) -> str:
        """Return the canary of a place."""
        if place not in self._planted:
            self._planted[place] = _card(len(self._planted))
        return self._planted[place]

    def leaked(self, raw: bytes) -> list[str]:
        """Name the places whose canary is in these bytes, whatever form it took."""
        squeezed = raw.translate(None, b" -_")
        return [
            place
            for place, number in self._planted.items()
            if number.encode() in squeezed or any(form in raw for form in _forms(number))
        ]


def _card(count: int) -> str:
    """Return a 16-digit number with a right check digit (ISO/IEC 7812)."""
    body = f"453912{(count + 1) * 7_654_321 % 10**9:09d}"
    doubled = [int(sign) * (2 - place % 2) for place, sign in enumerate(body)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"


def _forms(number: str) -> list[bytes]:
    plain = number.encode()
    packed = [base64.b64encode(bytes(shift) + plain)[4:-4] for shift in range(3)]
    spaced = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    return [*packed, plain.hex().encode(), quote(spaced).encode(), plain[::-1]]


def filled(message: Message, canaries: Canaries, fixed: dict[str, object], path: str = "") -> Message:
    """Plant a canary in every text of a protobuf message, also in those that were added yesterday.

    `fixed` maps a field's full name to the value it needs, or to None to leave it empty.
    """
    for field in message.DESCRIPTOR.fields:
        place = f"{path}.{field.name}".lstrip(".")
        if field.full_name in fixed:
            _set(message, field, fixed[field.full_name])
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            inner = getattr(message, field.name)
            filled(inner.add() if field.is_repeated else inner, canaries, fixed, place)
        elif field.type == FieldDescriptor.TYPE_STRING:
            _set(message, field, f"the card {canaries.at(place)} failed")
        elif field.type == FieldDescriptor.TYPE_BYTES:
            _set(message, field, canaries.at(place).encode())
    return message


def _set(message: Message, field: FieldDescriptor, value: object) -> None:
    if value is None:
        return
    if field.is_repeated:
        getattr(message, field.name).extend(value if isinstance(value, list) else [value])
    else:
        setattr(message, field.name, value)
