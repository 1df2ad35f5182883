"""Search for datasets of lakes: words and filters, a page at a time, as far as the viewer is admitted.

Titles, descriptions and labels of datasets stand on the ledger for each of its members to read. A search
shows an application those that a sharing policy admits it to; whether a request is admitted, the contract
decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.exchange.readmodel.dataset_index import data_type_of, member_viewer
from gridledger.exchange.readmodel.index import owner_viewer, platform_viewer
from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.exchange.readmodel.words import Token, query_tokens, token
from gridledger.model.dataset import Dataset, DatasetIdentifier, DatasetVersion, Label
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, value
from gridledger.model.refusals import NotFound
from gridledger.model.search import MAX_VIEWED, Viewer
from gridledger.model.sharing import PolicyRule, SharingPolicy
from gridledger.model.system import System, SystemKind

__all__ = ["DatasetHit", "DatasetHits", "WantedDatasets", "find_datasets"]

_PAGE_SIZE: Final = 20
_Bookmark = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,18}$")]


@value
class WantedDatasets(ModelValue):
    """What is searched: all of it must hold; nothing at all finds whatever the viewer may see."""

    words: str = ""
    """Words of names, titles, descriptions, labels, units, owners, regions."""
    label: Label | None = None
    """Exactly this label."""
    data_type: str | None = None
    """How the name ends, such as csv or parquet."""
    unit: str | None = None
    """Exactly this unit, of the newest stored version."""
    owner: SystemIdentifier | None = None
    region: str | None = None
    """Exactly this region of the owner's."""
    size: Annotated[int, Field(ge=1, le=MAX_VIEWED)] = _PAGE_SIZE
    """Results a page."""
    bookmark: _Bookmark = ""
    """Of the page before; empty for the first."""


@value
class DatasetHit(ModelValue):
    """A dataset that was found."""

    dataset: DatasetIdentifier
    title: str
    description: str
    labels: tuple[str, ...]
    data_type: str
    purposes: tuple[str, ...]
    """For which the policy admits the viewer now; for owner and platform, anybody."""
    is_withdrawn: bool
    number: int | None = None
    """Of the newest stored version, as all below; left out where none is stored."""
    size_bytes: int | None = None
    unit: str | None = None
    first: Day | None = None
    last: Day | None = None
    owner: str
    """Name of the owner's enterprise."""
    region: str


@value
class DatasetHits(ModelValue):
    """A page of datasets, in the order of their registration."""

    datasets: tuple[DatasetHit, ...]
    bookmark: str
    """Of the next page; empty at the end."""


def find_datasets(model: ReadModel, viewer: Viewer, wanted: WantedDatasets) -> DatasetHits:
    """Find datasets.

    Parameters
    ----------
    model : ReadModel
    viewer : Viewer
        Who may see what is found: an owner its own, the platform all below its root, a data application those
        that admit its power platform, its organisation and its user's role.
    wanted : WantedDatasets

    Raises
    ------
    ModelError
        The words are too many.
    NotFound
        The model knows no such viewer.

    Notes
    -----
    Three rows a result: of the index, of the dataset, of its owner. A rule that holds at other times shows
    its dataset, with no purposes.
    """
    viewing = _Viewing.of(model, viewer)
    filters = (
        (Token.LABEL, wanted.label),
        (Token.DATA_TYPE, None if wanted.data_type is None else wanted.data_type.lower()),
        (Token.UNIT, wanted.unit),
        (Token.OWNER, None if wanted.owner is None else str(wanted.owner)),
        (Token.REGION, wanted.region),
    )
    exact = [token(kind, text) for kind, text in filters if text is not None]
    matching = " AND ".join([viewing.tokens, *exact, *query_tokens(wanted.words)])
    with model.query() as connection:
        rows = connection.execute(
            "SELECT dataset.id, dataset.record, policy, version, enterprise, region FROM dataset_index"
            " JOIN dataset ON dataset.id = dataset_index.rowid"
            " JOIN system ON system.identifier = dataset.system"
            " WHERE dataset_index MATCH ? AND dataset_index.rowid > ? ORDER BY dataset_index.rowid LIMIT ?",
            (matching, int(wanted.bookmark or 0), wanted.size),
        ).fetchall()
    now_ms = time.time_ns() // 1_000_000
    hits = tuple(viewing.hit(*row[1:], now_ms=now_ms) for row in rows)
    return DatasetHits(datasets=hits, bookmark=str(rows[-1][0]) if len(rows) == wanted.size else "")


@value
class _Viewing(ModelValue):
    """A viewer as the index knows it."""

    tokens: str
    """One of them must be there."""
    platform: str | None = None
    """An application's, as its organisation and its user's role."""
    organisation: str | None = None
    role: str | None = None

    @classmethod
    def of(cls, model: ReadModel, viewer: Viewer) -> _Viewing:
        """Look a viewer up.

        Raises
        ------
        NotFound
            The model knows no such system, or it belongs to no power platform.
        """
        system = str(viewer.system)
        with model.query() as connection:
            row = connection.execute(
                "SELECT record, root, platform FROM system LEFT JOIN membership"
                " ON membership.system = system.identifier WHERE identifier = ?",
                (system,),
            ).fetchone()
            former = connection.execute("SELECT prefix FROM former WHERE system = ?", (system,)).fetchall()
        if row is None:
            raise NotFound("system", system)
        record, root, platform = row
        found = System.from_bytes(record.encode())
        kind = found.profile.kind
        if kind is SystemKind.AGGREGATION_SYSTEM:
            return cls(tokens=platform_viewer(system))
        if kind is SystemKind.BUSINESS_SYSTEM:
            return cls(tokens=_any(owner_viewer(one) for one in (system, *(prefix for (prefix,) in former))))
        if viewer.user_role is None:
            raise ModelError({"user_role": "a data application searches for a user"}, subject="Viewer")
        if platform is None:
            raise NotFound("platform-membership", system)
        role, organisation = viewer.user_role, found.agent.msp_id
        tokens = _any(member_viewer(root, platform, role, one) for one in (None, organisation))
        return cls(tokens=tokens, platform=platform, organisation=organisation, role=role)

    def hit(
        self, record: str, policy: str, version: str, enterprise: str, region: str, *, now_ms: int
    ) -> DatasetHit:
        """Return a dataset as this viewer sees it."""
        dataset = Dataset.from_bytes(record.encode())
        rules = SharingPolicy.from_bytes(policy.encode()).rules if policy else ()
        newest = DatasetVersion.from_bytes(version.encode()).statement if version else None
        entry = dataset.entry
        return DatasetHit(
            dataset=entry.identifier,
            title=entry.title,
            description=entry.description,
            labels=entry.labels,
            data_type=data_type_of(entry.identifier),
            purposes=tuple(
                sorted({one for rule in rules if self._admitted(rule, now_ms) for one in rule.purposes})
            ),
            is_withdrawn=dataset.withdrawn_ms is not None,
            number=None if newest is None else newest.number,
            size_bytes=None if newest is None else newest.size_bytes,
            unit=None if newest is None else newest.unit,
            first=None if newest is None else newest.first,
            last=None if newest is None else newest.last,
            owner=enterprise,
            region=region,
        )

    def _admitted(self, rule: PolicyRule, now_ms: int) -> bool:
        if rule.validity is not None and not rule.validity.holds(now_ms):
            return False
        if self.platform is None:
            return True
        organisations = rule.organisations
        is_of_it = organisations is None or self.organisation in organisations
        return is_of_it and rule.platform.value == self.platform and self.role in rule.roles


def _any(tokens: Iterable[str]) -> str:
    return f"({' OR '.join(tokens)})"
