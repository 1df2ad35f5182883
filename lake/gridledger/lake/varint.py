"""Numbers and fields of the lake's files, read with their limits (LAYOUT.md, section 3)."""

from __future__ import annotations

from gridledger.lake.errors import Malformed

__all__ = ["FieldReader", "varint"]

_LONGEST = 9
"""63 bits: no length, count or place is larger."""


def varint(number: int) -> bytes:
    """Write a number as unsigned LEB128.

    Examples
    --------
    >>> varint(0), varint(127), varint(300).hex()
    (b'\\x00', b'\\x7f', 'ac02')
    """
    if number < 0x80:
        return bytes((number,))
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


class FieldReader:
    """Takes fields from bytes, one after the other.

    Raises
    ------
    Malformed
        By every method: what remains is shorter than what is asked for, or not in its shortest form.
    """

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def remaining(self) -> int:
        """How many bytes were not taken yet."""
        return len(self._data) - self._place

    def take(self, length: int) -> bytes:
        """Take bytes."""
        if length > self.remaining:
            raise Malformed(f"{length} bytes are announced where {self.remaining} remain")
        place = self._place
        self._place = place + length
        return self._data[place : self._place]

    def number(self) -> int:
        """Take a varint."""
        value = 0
        data, start = self._data, self._place
        for place in range(start, min(start + _LONGEST, len(data))):
            byte = data[place]
            value |= (byte & 0x7F) << 7 * (place - start)
            if byte < 0x80:
                if byte == 0 and place > start:
                    raise Malformed("a number is not in its shortest form")
                self._place = place + 1
                return value
        raise Malformed("a number does not end")

    def count(self, *, each: int) -> int:
        """Take a varint that says how many things follow, of `each` bytes or more."""
        number = self.number()
        if number * each > self.remaining:
            raise Malformed(f"{number} entries are announced where {self.remaining} bytes remain")
        return number

    def end(self) -> None:
        """Refuse bytes that nothing took."""
        if self.remaining:
            raise Malformed(f"{self.remaining} bytes too many")
