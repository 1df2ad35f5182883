"""Search for fields and devices: words and filters, a page at a time, as far as the viewer may see."""

from __future__ import annotations

import json
import time
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.exchange.readmodel.index import application_viewer, owner_viewer, platform_viewer
from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.exchange.readmodel.words import Token, query_tokens, token
from gridledger.model.device import DeclaredIdentity
from gridledger.model.errors import ModelError
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.record import ModelValue, value
from gridledger.model.refusals import NotFound
from gridledger.model.search import MAX_VIEWED, FoundDevice, Viewer
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

__all__ = [
    "PAGE_SIZE",
    "DeviceHit",
    "DeviceHits",
    "FieldHit",
    "FieldHits",
    "Wanted",
    "find_devices",
    "find_fields",
]

PAGE_SIZE: Final = 20
"""Results a page: what a person reads at a glance."""

_Bookmark = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,18}$")]


@value
class Wanted(ModelValue):
    """What is searched: all of it must hold; nothing at all finds whatever the viewer may see."""

    words: str = ""
    """Words of names, titles, descriptions, units, types, own codes, regions, owners, identities."""
    unit: str | None = None
    """Exactly this unit; fields only."""
    data_type: str | None = None
    """Exactly this data type; fields only."""
    kind: str | None = None
    """Exactly this kind of device."""
    region: str | None = None
    """Exactly this region: the field's, the device's or the owner's."""
    owner: SystemIdentifier | None = None
    identity: DeclaredIdentity | None = None
    """A common identity, such as a plant's."""
    size: Annotated[int, Field(ge=1, le=MAX_VIEWED)] = PAGE_SIZE
    """Results a page."""
    bookmark: _Bookmark = ""
    """Of the page before; empty for the first."""


@value
class DeviceHit(ModelValue):
    """A device that was found."""

    device: DeviceIdentifier
    name: str
    kind: str
    state: IdentifierState
    identities: tuple[DeclaredIdentity, ...]
    owner: str
    """Name of the owner's enterprise."""
    region: str


@value
class FieldHit(ModelValue):
    """A field that was found."""

    field: FieldIdentifier
    title: str
    unit: str
    data_type: str
    frequency: Frequency
    state: IdentifierState
    price_milliyuan: int | None = None
    """For one query, by the charging standard that holds now; left out where none does."""
    device: DeviceHit


@value
class FieldHits(ModelValue):
    """A page of fields, in the order of their registration."""

    fields: tuple[FieldHit, ...]
    bookmark: str
    """Of the next page; empty at the end."""


@value
class DeviceHits(ModelValue):
    """A page of devices, in the order of their registration."""

    devices: tuple[DeviceHit, ...]
    found: tuple[FoundDevice, ...]
    """The same, each with the field by which a data application sees it: what the ledger is asked."""
    bookmark: str


def find_fields(model: ReadModel, viewer: Viewer, wanted: Wanted) -> FieldHits:
    """Find fields.

    Parameters
    ----------
    model : ReadModel
    viewer : Viewer
        Who may see what is found. Whether it is who it says is for the ledger to decide: `Searcher`.
    wanted : Wanted

    Raises
    ------
    ModelError
        The words are too many.
    NotFound
        The model knows no such viewer.

    Notes
    -----
    Two rows a result, one of the index and one of the field, whatever the words: the index yields rows that
    hold all words and may be seen, in their order, from the bookmark on. There is no rank, since a rank needs
    all matches.
    """
    matching, _ = _matching(
        model, viewer, wanted, (Token.UNIT, wanted.unit), (Token.DATA_TYPE, wanted.data_type)
    )
    with model.query() as connection:
        rows = connection.execute(
            "SELECT field.id, hit FROM field_index JOIN field ON field.id = field_index.rowid"
            " WHERE field_index MATCH ? AND field_index.rowid > ? ORDER BY field_index.rowid LIMIT ?",
            (matching, int(wanted.bookmark or 0), wanted.size),
        ).fetchall()
    now_ms = time.time_ns() // 1_000_000
    hits = tuple(_field_hit(hit, now_ms) for _, hit in rows)
    return FieldHits(fields=hits, bookmark=_bookmark(rows, wanted))


def _field_hit(text: str, now_ms: int) -> FieldHit:
    hit = json.loads(text)
    price = _price_at(hit.pop("prices"), now_ms)
    return FieldHit.from_value(hit if price is None else {**hit, "price_milliyuan": price})


def _price_at(terms: list[tuple[int, int | None, int]], now_ms: int) -> int | None:
    """Return the price that holds at a moment, as `ChargingStandard.at` decides it."""
    for begins_ms, ends_ms, price in terms:
        if now_ms >= begins_ms:
            return None if ends_ms is not None and now_ms >= ends_ms else price
    return None


def find_devices(model: ReadModel, viewer: Viewer, wanted: Wanted) -> DeviceHits:
    """Find devices; see `find_fields`.

    Notes
    -----
    Three rows a result: of the index, of the device, and of the field by which the viewer sees it.
    """
    if wanted.unit is not None or wanted.data_type is not None:
        raise ModelError({"unit, data_type": "are of fields, not of devices"}, subject="search")
    matching, viewing = _matching(model, viewer, wanted)
    with model.query() as connection:
        rows = connection.execute(
            "SELECT device.id, hit, field FROM device_index JOIN device ON device.id = device_index.rowid"
            " LEFT JOIN device_viewer ON device_viewer.device = device.id AND viewer = ?"
            " WHERE device_index MATCH ? AND device_index.rowid > ? ORDER BY device_index.rowid LIMIT ?",
            (viewing, matching, int(wanted.bookmark or 0), wanted.size),
        ).fetchall()
    hits = tuple(DeviceHit.from_value(json.loads(hit)) for _, hit, _ in rows)
    found = tuple(
        FoundDevice(device=hit.device, field=None if field is None else FieldIdentifier.parse(field))
        for hit, (_, _, field) in zip(hits, rows, strict=True)
    )
    return DeviceHits(devices=hits, found=found, bookmark=_bookmark(rows, wanted))


def _matching(
    model: ReadModel, viewer: Viewer, wanted: Wanted, *exact: tuple[Token, str | None]
) -> tuple[str, str]:
    """Return what the index is asked, and the viewer's token in it.

    Notes
    -----
    Tokens are letters and digits, so that AND is the only operator there is.
    """
    viewing = _viewing(model, viewer)
    filters = (
        (Token.KIND, wanted.kind),
        (Token.REGION, wanted.region),
        (Token.OWNER, None if wanted.owner is None else str(wanted.owner)),
        (Token.IDENTITY, None if wanted.identity is None else str(wanted.identity)),
        *exact,
    )
    chosen = [token(kind, text) for kind, text in filters if text is not None]
    return " AND ".join([viewing, *chosen, *query_tokens(wanted.words)]), viewing


def _viewing(model: ReadModel, viewer: Viewer) -> str:
    system = str(viewer.system)
    with model.query() as connection:
        row = connection.execute("SELECT kind FROM system WHERE identifier = ?", (system,)).fetchone()
    if row is None:
        raise NotFound("system", system)
    kind = SystemKind(row[0])
    if kind is SystemKind.AGGREGATION_SYSTEM:
        return platform_viewer(system)
    if kind is SystemKind.BUSINESS_SYSTEM:
        return owner_viewer(system)
    if viewer.user_role is None:
        raise ModelError({"user_role": "a data application searches for a user"}, subject="Viewer")
    return application_viewer(system, viewer.user_role)


def _bookmark(rows: list[tuple[int, ...]], wanted: Wanted) -> str:
    """Return where the next page starts: behind the last row of a full one."""
    return str(rows[-1][0]) if len(rows) == wanted.size else ""
