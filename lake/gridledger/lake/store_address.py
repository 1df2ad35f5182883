"""Where a lake lies, as one line of text.

file:///srv/lake              a folder of this machine: for trying out; one disk keeps nothing safe
/srv/lake                     the same
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gridledger.lake.local_store import LocalStore
from gridledger.lake.store import Store
from gridledger.model.errors import ConfigError

__all__ = ["StoreKind", "open_store"]


class StoreKind(StrEnum):
    """Schemes of addresses."""

    FOLDER = "file"


def open_store(address: str, *, base: Path | None = None, source: str = "argument") -> Store:
    """Open the store of an address.

    Parameters
    ----------
    address : str
        As above.
    base : Path, optional
        Where a folder's relative path starts; the working directory by default.
    source : str, default "argument"
        Where the address came from, for the error.

    Raises
    ------
    ConfigError
        It is no address, or names no kind of store that there is.
    """
    parts = urlsplit(address)
    if not parts.scheme or parts.scheme == StoreKind.FOLDER:
        path = unquote(parts.path) if parts.scheme else address
        if not path or parts.netloc:
            raise ConfigError("want file:///folder", key="store", source=source, value=address)
        return LocalStore((base or Path()) / path)
    known = ", ".join(kind.value for kind in StoreKind)
    raise ConfigError(f"the scheme is none of {known}", key="store", source=source, value=address)
