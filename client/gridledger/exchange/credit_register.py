"""The register that first credit comes from.

Rating agencies stand behind `CreditRegister`; what ships is one of a JSON file beside the enterprise
register, by the enterprises' numbers:

    {"made": true, "credits": {"91330700MA2XXXXXX1": 80}}

Source: CN112508707B, [0016], [0017].
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field

from gridledger.exchange.register_file import RegisterFile, read_register
from gridledger.model.system import Enterprise

__all__ = ["CreditRegister", "FileCreditRegister"]


class CreditRegister(Protocol):
    """Knows what credit enterprises start with."""

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit, of 100, of an enterprise's systems; None if nothing is known of it."""
        ...


class _File(RegisterFile):
    credits: dict[str, Annotated[int, Field(ge=0, le=100)]]


class FileCreditRegister:
    """A register of first credit in a JSON file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ConfigError
        If the file cannot be read or is no register.
    """

    def __init__(self, path: Path) -> None:
        read = read_register(_File, path, key="credits", what="credit register")
        self.made = read.made
        """Whether the data are made, and not of a rating agency."""
        self._credits = read.credits

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit of an enterprise by its number."""
        return self._credits.get(enterprise.code)
