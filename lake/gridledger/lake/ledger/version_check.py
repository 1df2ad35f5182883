"""What a lake holds against what the ledger says: a store that was rolled back or changed is found."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from gridledger.lake.errors import LakeError
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.owned_lake import OwnedLake
from gridledger.model.dataset import DatasetIdentifier, DatasetVersion
from gridledger.model.digest import Digest
from gridledger.model.record import ModelValue, value

__all__ = ["VersionCheck", "VersionState", "check_versions"]


class VersionState(StrEnum):
    """What became of a version."""

    INTACT = "intact"
    """The lake has it, with the content that stands on the ledger."""
    PROPOSED = "proposed"
    """Its custodian has not signed."""
    MISSING = "missing"
    """It is on the ledger and not in the lake: the store was rolled back, or it was forgotten."""
    CHANGED = "changed"
    """The lake has something else under its number."""
    UNPUBLISHED = "unpublished"
    """The lake has it, the ledger does not."""

    @property
    def is_wrong(self) -> bool:
        """Whether the lake lacks what the ledger has."""
        return self in (VersionState.MISSING, VersionState.CHANGED)


@value
class VersionCheck(ModelValue):
    """One version, in the lake and on the ledger."""

    number: int
    state: VersionState
    deposited: Digest | None = None
    """Content on the ledger; it covers the root."""
    actual: Digest | None = None
    """Content in the lake."""
    problem: str | None = None
    """Why the lake's could not be read."""


async def check_versions(
    ledger: LakeLedger, owned: OwnedLake, dataset: DatasetIdentifier
) -> tuple[VersionCheck, ...]:
    """Compare every version of a dataset, by number.

    Notes
    -----
    Reads manifests only; `gridledger.lake.check` reads the blocks.
    """
    deposited: dict[int, DatasetVersion] = {}
    bookmark = ""
    while True:
        page = await ledger.versions(dataset, bookmark)
        deposited.update({one.statement.number: one for one in page.versions})
        bookmark = page.bookmark
        if not bookmark:
            break
    return await asyncio.to_thread(_compare, owned, dataset, deposited)


def _compare(
    owned: OwnedLake, dataset: DatasetIdentifier, deposited: dict[int, DatasetVersion]
) -> tuple[VersionCheck, ...]:
    stored = owned.lake.versions(owned.lake.keys.dataset(dataset.name))
    return tuple(
        _compare_one(owned, dataset, number, deposited.get(number), is_there=number in stored)
        for number in sorted({*deposited, *stored})
    )


def _compare_one(
    owned: OwnedLake,
    dataset: DatasetIdentifier,
    number: int,
    version: DatasetVersion | None,
    *,
    is_there: bool,
) -> VersionCheck:
    expected = version.statement.content if version is not None else None
    actual: Digest | None = None
    problem: str | None = None
    if is_there:
        try:
            actual = owned.read(dataset.name, number)[2].content
        except LakeError as error:
            problem = error.message
    if version is None:
        state = VersionState.UNPUBLISHED
    elif not is_there:
        state = VersionState.MISSING
    elif actual != expected:
        state = VersionState.CHANGED
    else:
        state = VersionState.INTACT if version.is_stored else VersionState.PROPOSED
    return VersionCheck(number=number, state=state, deposited=expected, actual=actual, problem=problem)
