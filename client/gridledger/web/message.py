"""HTTP messages as signatures see them: method, URL, status and header field lines in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["HeaderLines", "RequestMessage", "ResponseMessage"]


class HeaderLines:
    """Field lines in the order of the wire; names compare without case.

    Parameters
    ----------
    lines : iterable of (str, str), default ()
        Names and values. Repeated names stay separate lines.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: list[tuple[str, str]] = [(name.lower(), value) for name, value in lines]

    @classmethod
    def from_raw(cls, raw: Iterable[tuple[bytes, bytes]]) -> HeaderLines:
        """Read ASGI's or httpx's raw pairs; every byte maps to one character, so nothing fails here."""
        return cls((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)

    def to_raw(self) -> list[tuple[bytes, bytes]]:
        """Return the pairs as bytes."""
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._lines]

    def values(self, name: str) -> list[str]:
        """Return the values of all lines with this name."""
        wanted = name.lower()
        return [value for known, value in self._lines if known == wanted]

    def items(self) -> list[tuple[str, str]]:
        return list(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._lines))

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(known == name.lower() for known, _ in self._lines)

    def __getitem__(self, name: str) -> str:
        values = self.values(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: str) -> None:
        wanted = name.lower()
        self._lines = [line for line in self._lines if line[0] != wanted]
        self._lines.append((wanted, value))

    def __delitem__(self, name: str) -> None:
        wanted = name.lower()
        self._lines = [line for line in self._lines if line[0] != wanted]

    def __repr__(self) -> str:
        return f"HeaderLines({sorted(set(self))})"


@dataclass(frozen=True, kw_only=True)
class RequestMessage:
    """A request."""

    method: str
    """In capitals."""
    url: str
    """Absolute, as sent: scheme, authority, path and query with their escapes."""
    headers: HeaderLines


@dataclass(frozen=True, kw_only=True)
class ResponseMessage:
    """A response and the request that it answers."""

    status_code: int
    headers: HeaderLines
    request: RequestMessage | None
    """None only where the request cannot be named, so that nothing is bound to it."""
