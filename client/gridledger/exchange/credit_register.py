"""The register that first credit comes from.

Rating agencies stand behind `CreditRegister`; what ships is one of a JSON file beside the enterprise
register, by the enterprises' numbers:

    {"made": true, "credits": {"91330700MA2XXXXXX1": 80}}

Source: CN112508707B, [0016], [0017].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridledger.model.errors import ConfigError
from gridledger.model.fieldtype import problems_of
from gridledger.model.system import Enterprise

__all__ = ["CreditRegister", "FileCreditRegister"]


class CreditRegister(Protocol):
    """Knows what credit enterprises start with."""

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit, of 100, of an enterprise's systems; None if nothing is known of it."""
        ...


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    made: bool
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
        try:
            read = _File.model_validate(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            problems = problems_of(error) if isinstance(error, ValidationError) else {"": str(error)}
            raise ConfigError(
                f"is no credit register: {'; '.join(problems.values())}", key="credits", source=str(path)
            ) from error
        self.made = read.made
        """Whether the data are made, and not of a rating agency."""
        self._credits = read.credits

    async def credit(self, enterprise: Enterprise) -> int | None:
        """Return the first credit of an enterprise by its number."""
        return self._credits.get(enterprise.code)
