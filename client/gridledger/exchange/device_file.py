"""Lists of devices and other objects in files: CSV with a header, or JSON.

    own_code,name,kind,identities,description,region,object_class,state
    2050.15.003.BLK01.PAD01.MTR01,Meter of plant 27,meter,plant=R27;serial=77,,Jinhua,,

Columns after `kind` may be missing or empty; identities are separated by `;`. JSON is a list of objects with
the same members, `identities` a list of texts.

Source: CN112508707B, [0063].
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from gridledger.exchange.settings import parse_identity
from gridledger.model.device import DeviceEntry, ObjectClass
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.fieldtype import problems_of
from gridledger.model.states import IdentifierState

__all__ = ["read_devices"]


def _none_if_empty(text: object) -> object:
    return None if text == "" else text


def _parted(text: object) -> object:
    return [one for one in text.split(";") if one] if isinstance(text, str) else text


_Text = Annotated[str | None, BeforeValidator(_none_if_empty)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    own_code: str
    name: str
    kind: str
    identities: Annotated[list[str], BeforeValidator(_parted)] = []
    description: _Text = None
    region: _Text = None
    object_class: Annotated[ObjectClass | None, BeforeValidator(_none_if_empty)] = None
    state: Annotated[IdentifierState | None, BeforeValidator(_none_if_empty)] = None


_rows = TypeAdapter(list[_Row])


def read_devices(path: Path) -> tuple[DeviceEntry, ...]:
    """Read a list of devices and other objects.

    Parameters
    ----------
    path : Path
        A file whose name ends in `.csv` or `.json`.

    Raises
    ------
    ConfigError
        If it cannot be read, or anything in it is missing, unknown or wrong; it names the first such row.
    """
    try:
        rows = _rows.validate_python(_read(path))
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        problems = problems_of(error) if isinstance(error, ValidationError) else {"": str(error)}
        key, problem = next(iter(problems.items()))
        raise ConfigError(problem, key=key or "file", source=str(path)) from error
    return tuple(_entry(path, number, row) for number, row in enumerate(rows))


def _read(path: Path) -> list[Mapping[str, object]]:
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() == ".json":
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    return list(csv.DictReader(text.splitlines(), strict=True))


def _entry(path: Path, number: int, row: _Row) -> DeviceEntry:
    try:
        return DeviceEntry(
            own_code=row.own_code,
            name=row.name,
            kind=row.kind,
            identities=tuple(parse_identity(text) for text in row.identities),
            description=row.description,
            region=row.region,
            object_class=row.object_class,
            state=None if row.state is IdentifierState.ALLOCATED else row.state,
        )
    except ModelError as error:
        problems = "; ".join(f"{name}: {problem}" for name, problem in error.problems.items())
        raise ConfigError(problems, key=f"row {number + 1}", source=str(path)) from error
