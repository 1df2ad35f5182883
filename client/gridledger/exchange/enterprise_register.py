"""The register that enterprises are looked up in, and the first credit of their systems.

National registers stand behind `EnterpriseRegister`; what ships is one of a JSON file:

    {"made": true, "enterprises": [{"name": "…", "code": "…", "region": "…", "credit": 80}]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from gridledger.exchange.register_file import RegisterFile, read_register
from gridledger.model.system import Enterprise

__all__ = ["EnterpriseRegister", "FileRegister"]


class EnterpriseRegister(Protocol):
    """Knows enterprises."""

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit, of 100, of an enterprise's systems; None if it is not in the register."""
        ...


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    code: str
    region: str
    credit: Annotated[int, Field(ge=0, le=100)]


class _File(RegisterFile):
    enterprises: list[_Entry]


class FileRegister:
    """A register in a JSON file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ConfigError
        If the file cannot be read or is no register.
    """

    def __init__(self, path: Path) -> None:
        read = read_register(_File, path, key="register", what="register")
        self.made = read.made
        """Whether the data are made, and not of a national register."""
        self._entries = {entry.code: entry for entry in read.enterprises}

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit of an enterprise that is known by this code, name and region."""
        entry = self._entries.get(enterprise.code)
        known = entry is not None and (entry.name, entry.region) == (enterprise.name, enterprise.region)
        return entry.credit if entry is not None and known else None
