"""Fields of Hadoop's messages: protobuf's wire format, as far as reading blocks needs it."""

from __future__ import annotations

from gridledger.lake.errors import Malformed
from gridledger.lake.varint import varint

__all__ = ["Fields", "counted", "number_field", "take_number", "text_field"]

_NUMBER, _EIGHT_BYTES, _TEXT, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST = 10
"""Negative numbers take so many bytes."""


def number_field(field: int, number: int) -> bytes:
    """Write a field that is a number from 0."""
    return varint(field << 3 | _NUMBER) + varint(number)


def text_field(field: int, text: bytes) -> bytes:
    """Write a field that is text, bytes or a message."""
    return varint(field << 3 | _TEXT) + counted(text)


def counted(message: bytes) -> bytes:
    """Write a message behind its length."""
    return varint(len(message)) + message


def take_number(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it; raises Malformed."""
    value = 0
    for number, byte in enumerate(data[place : place + _LONGEST]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, place + number + 1
    raise Malformed("a number does not end")


class Fields:
    """The fields of a message that was received.

    Parameters
    ----------
    message : bytes
        Without its length.

    Raises
    ------
    Malformed
        It is no message.

    Examples
    --------
    >>> fields = Fields(number_field(1, 300) + text_field(2, b"a") + text_field(2, b"b"))
    >>> fields.number(1), fields.texts(2), fields.number(3, 7), 3 in fields
    (300, [b'a', b'b'], 7, False)
    """

    def __init__(self, message: bytes) -> None:
        self._numbers: dict[int, int] = {}
        self._texts: dict[int, list[bytes]] = {}
        place = 0
        while place < len(message):
            tag, place = take_number(message, place)
            field, kind = tag >> 3, tag & 7
            if kind == _NUMBER:
                self._numbers[field], place = take_number(message, place)
                continue
            if kind == _TEXT:
                size, place = take_number(message, place)
            elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
                size = 8 if kind == _EIGHT_BYTES else 4
            else:
                raise Malformed("a field is of an unknown kind")
            value = message[place : place + size]
            if len(value) < size:
                raise Malformed("a field is longer than its message")
            place += size
            if kind == _TEXT:
                self._texts.setdefault(field, []).append(value)
            else:
                self._numbers[field] = int.from_bytes(value, "little")

    def __contains__(self, field: int) -> bool:
        return field in self._numbers or field in self._texts

    def number(self, field: int, default: int | None = None) -> int:
        """Return a number; where it is missing the default, without one Malformed is raised."""
        value = self._numbers.get(field, default)
        if value is None:
            raise Malformed(f"field {field} is missing")
        return value

    def text(self, field: int) -> bytes:
        """Return a text, the last of several; raises Malformed where it is missing."""
        found = self._texts.get(field)
        if found is None:
            raise Malformed(f"field {field} is missing")
        return found[-1]

    def texts(self, field: int) -> list[bytes]:
        """Return all texts of a field."""
        return self._texts.get(field, [])
