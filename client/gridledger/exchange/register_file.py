"""Files that registers ship as: JSON of one schema, read whole when a register is opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gridledger.model.errors import ConfigError
from gridledger.model.fieldtype import problems_of

__all__ = ["RegisterFile", "read_register"]

F = TypeVar("F", bound="RegisterFile")


class RegisterFile(BaseModel):
    """What every register's file says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    made: bool
    """Whether the data are made, and not of a register that people keep."""


def read_register(schema: type[F], path: Path, *, key: str, what: str) -> F:
    """Read a register's file.

    Parameters
    ----------
    schema : type of RegisterFile
    path : Path
    key : str
        The setting that names the file.
    what : str
        What it should be, such as ``credit register``.

    Raises
    ------
    ConfigError
        If the file cannot be read or is no such register.
    """
    try:
        return schema.model_validate(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        problems = problems_of(error) if isinstance(error, ValidationError) else {"": str(error)}
        raise ConfigError(
            f"is no {what}: {'; '.join(problems.values())}", key=key, source=str(path)
        ) from error
