"""Names of datasets in URLs: `gridledger://NAME` and `gridledger://NAME@VERSION`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gridledger.model.errors import ModelError

__all__ = ["SCHEME", "DatasetPath"]

SCHEME: Final = "gridledger"
_VERSION = re.compile(r"(?s)(.+)@([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class DatasetPath:
    """A dataset, and which version of it.

    Examples
    --------
    >>> DatasetPath.parse("gridledger://registers/stations.csv@2")
    DatasetPath(name='registers/stations.csv', version=2)
    >>> DatasetPath.parse("registers/stations.csv").url
    'gridledger://registers/stations.csv'
    """

    name: str
    """Name of the dataset."""
    version: int | None = None
    """None for the newest."""

    @classmethod
    def parse(cls, text: str) -> DatasetPath:
        """Read a URL, or what stands in one behind `gridledger://`.

        Raises
        ------
        ModelError
            It names no dataset.

        Notes
        -----
        A name that itself ends in `@` and a number is only read with a version behind it.
        """
        name = text.removeprefix(f"{SCHEME}://")
        match = _VERSION.fullmatch(name)
        found = cls(match[1], int(match[2])) if match else cls(name)
        if not found.name:
            raise ModelError({"": "names no dataset"}, subject=repr(text))
        return found

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{SCHEME}://{self}"
