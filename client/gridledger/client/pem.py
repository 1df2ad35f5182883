"""PEM material held in memory in place of a file; it shows itself to nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Pem"]


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM text in memory, such as a connection profile carries it.

    Examples
    --------
    >>> Pem(b"-----BEGIN PRIVATE KEY-----")
    Pem()
    """

    content: bytes = field(repr=False)
    """The text; it may be a private key, so that no repr shows it."""
