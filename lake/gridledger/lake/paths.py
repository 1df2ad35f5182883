"""Names of a lake's files (LAYOUT.md, section 2)."""

from __future__ import annotations

import re

from gridledger.lake.row import is_identifier

__all__ = [
    "CUSTODY",
    "DATASETS",
    "FORMAT",
    "INDEX",
    "PACKS",
    "RETIRED",
    "TABLE",
    "TEMPORARY",
    "custody_path",
    "generation_of",
    "manifest_path",
    "named",
    "pack_path",
    "retired_path",
    "table_path",
]

FORMAT = "lake.json"
PACKS = "packs"
TABLE = "table"
DATASETS = "datasets"
RETIRED = "retired"
CUSTODY = "custody"
INDEX = "index"
TEMPORARY = "temporary"
_MANIFEST = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,17})\.manifest")


def pack_path(pack: bytes) -> str:
    """Return where a pack lies."""
    return f"{PACKS}/{pack.hex()}.pack"


def retired_path(pack: bytes) -> str:
    """Return the file that says that a pack is retired."""
    return f"{RETIRED}/{pack.hex()}"


def table_path(name: bytes) -> str:
    """Return where a table file lies."""
    return f"{TABLE}/{name.hex()}.table"


def manifest_path(dataset: bytes, version: int, generation: int) -> str:
    """Return where a manifest lies."""
    return f"{DATASETS}/{dataset.hex()}/{version}.{generation}.manifest"


def generation_of(name: str) -> tuple[int, int] | None:
    """Return version and generation of a manifest's file name; None for any other name."""
    match = _MANIFEST.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def custody_path(dataset: bytes, version: int) -> str:
    """Return where the frames of a version are listed for its custodian."""
    return f"{CUSTODY}/{dataset.hex()}/{version}"


def named(name: str, suffix: str = "") -> bytes | None:
    """Return the identifier that names a file; None for any other name."""
    stem = name.removesuffix(suffix)
    return bytes.fromhex(stem) if name.endswith(suffix) and is_identifier(stem) else None
