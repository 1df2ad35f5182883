"""What a contract's function sees of its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from gridledger.model.errors import ModelError
from gridledger.model.events import Event
from gridledger.model.keys import KeyPrefix
from gridledger.model.record import ModelValue, Record
from gridledger.model.refusals import (
    AccessDenied,
    ClaimedTimeRefused,
    DefectInContract,
    LimitExceeded,
    NotFound,
    NoTimeMark,
)
from gridledger.model.roles import CertificateAttribute, Role, read_roles
from gridledger.model.time_mark import MAX_DISTANCE_MS, TimeMark
from gridledger.shim.composite_key import composite_range, split_composite_key
from gridledger.shim.creator import Creator
from gridledger.shim.key import Key
from gridledger.shim.stub import ChaincodeStub

__all__ = ["MAX_ROWS", "TIME_MARK", "Context", "Page", "Row", "Version"]

R = TypeVar("R", bound=Record)

MAX_ROWS = 1_000
"""Most rows of a range in one call: some 1 MB of records, which a peer reads in a few milliseconds."""

TIME_MARK = Key(TimeMark, KeyPrefix.TIME_MARK)

_KEPT_RECORDS = 4096
_KEPT_BYTES = 4096
"""Records up to this size are not read again from the same bytes: 16 MB of them at most."""

_roles_of = lru_cache(maxsize=256)(read_roles)


@dataclass(frozen=True, slots=True)
class Row(Generic[R]):
    """A record and its key."""

    key: Key[R]
    record: R


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and the bookmark of those that follow; empty at the end."""

    rows: list[Row[R]]
    bookmark: str


@dataclass(frozen=True, slots=True)
class Version(Generic[R]):
    """What one transaction left under a key; no record where it deleted it."""

    tx_id: str
    record: R | None


class Context:
    """One transaction, for a contract: typed records, caller, time, event.

    Parameters
    ----------
    stub : ChaincodeStub
        The transaction below, for what the context does not wrap (private data, history, other chaincodes).
    function : str
        The function called, `contract:Function`.
    call_key : str, default ""
        The call key of a function declared with ``once=True``.

    Notes
    -----
    Reads see what is committed, never what the same transaction wrote; so what was read once is not asked of
    the peer again.
    """

    __slots__ = ("_now_ms", "_seen", "call_key", "function", "stub")

    def __init__(self, stub: ChaincodeStub, function: str, call_key: str = "") -> None:
        self.stub = stub
        self.function = function
        self.call_key = call_key
        self._now_ms: int | None = None
        self._seen: dict[str, bytes | None] = {}

    # --- caller

    @property
    def creator(self) -> Creator:
        """Who signed the proposal: `msp_id`, `attributes`, `certificate`."""
        return self.stub.get_creator()

    @property
    def msp_id(self) -> str:
        """The caller's organisation."""
        return self.stub.get_creator().msp_id

    @property
    def roles(self) -> frozenset[Role]:
        """Roles in the caller's certificate (attribute ``gridledger.role``)."""
        return _roles_of(self.creator.attributes.get(CertificateAttribute.ROLE, ""))

    def require_role(self, *roles: Role) -> None:
        """Refuse a caller that has none of the roles.

        Raises
        ------
        AccessDenied
            Naming the roles that would do.
        """
        if self.roles.isdisjoint(roles):
            wanted = " or ".join(sorted(roles))
            raise AccessDenied(f"{self.function} is for the role {wanted}")

    # --- transaction and time

    @property
    def tx_id(self) -> str:
        """The transaction id."""
        return self.stub.get_tx_id()

    @property
    def call_id(self) -> str:
        """What names this call alone: the transaction id, or in a bundle a digest of it and the call's place.

        What a call makes is named by it (an order, a note), so that calls of a bundle make different things.
        """
        return self.tx_id

    @property
    def place(self) -> int:
        """The call's place in its bundle, from 0; 0 for one that came alone."""
        return 0

    @property
    def claimed_time_ms(self) -> int:
        """The time that the client claims, milliseconds since 1970; decide nothing by it, take `now_ms`."""
        return self.stub.get_tx_timestamp().milliseconds

    async def now_ms(self) -> int:
        """Return the claimed time once it is checked against the time mark.

        Returns
        -------
        int
            Milliseconds since 1970, at most two minutes from the time mark.

        Raises
        ------
        ClaimedTimeRefused
            If it is more than 120 s from the mark; a new transaction may succeed.
        NoTimeMark
            If there is no mark yet.

        Notes
        -----
        Reading the mark puts it into the transaction's read set: one that is held back until the next
        renewal is invalid by MVCC, so nobody can endorse now and have it ordered at a moment that suits.
        """
        if self._now_ms is None:
            claimed_ms = self.claimed_time_ms
            mark = await self.get(TIME_MARK)
            if mark is None:
                raise NoTimeMark
            if abs(claimed_ms - mark.time_ms) > MAX_DISTANCE_MS:
                raise ClaimedTimeRefused(claimed_ms=claimed_ms, mark_ms=mark.time_ms)
            self._now_ms = claimed_ms
        return self._now_ms

    # --- records

    async def get(self, key: Key[R]) -> R | None:
        """Return the record under a key, None where there is none.

        Raises
        ------
        DefectInContract
            If what stands there is no such record.
        """
        text = key.to_text()
        if text not in self._seen:
            self._seen[text] = await self.stub.get_state(text)
        return _read(key, self._seen[text])

    async def get_many(self, keys: Sequence[Key[R]]) -> list[R | None]:
        """Return the records under many keys, in their order; one round trip where the peer offers it."""
        texts = [key.to_text() for key in keys]
        await self._see(texts)
        return [_read(key, self._seen[text]) for key, text in zip(keys, texts, strict=True)]

    async def read_ahead(self, keys: Iterable[Key[Any]]) -> None:
        """Read what will be asked for key by key, in one round trip.

        Parameters
        ----------
        keys : iterable of Key
            All join the read set: only what the transaction reads in any case, or is refused.
        """
        await self._see([key.to_text() for key in keys])

    async def require(self, key: Key[R]) -> R:
        """Return the record under a key.

        Raises
        ------
        NotFound
            If there is none.
        """
        record = await self.get(key)
        if record is None:
            raise NotFound(key.prefix.value, " ".join(key.parts))
        return record

    async def put(self, key: Key[R], record: R) -> None:
        """Write a record.

        Raises
        ------
        TypeError
            If it is not of the key's class.
        """
        await self.stub.put_state(key.to_text(), self._bytes_of(key, record))

    async def delete(self, key: Key[R]) -> None:
        """Delete the record under a key; where there is none, nothing happens."""
        await self.stub.del_state(key.to_text())

    async def rows(self, partial: Key[R], *, limit: int = MAX_ROWS) -> list[Row[R]]:
        """Return all records below a partial key, in the order of their keys.

        Raises
        ------
        LimitExceeded
            If there are more than `limit`.

        Notes
        -----
        The whole range joins the read set: a record that appears in it before the commit makes the
        transaction invalid. Read by key where writers are many.
        """
        found: list[Row[R]] = []
        async with await self.stub.get_state_by_partial_composite_key(partial.prefix, partial.parts) as rows:
            async for row in rows:
                if len(found) == limit:
                    raise LimitExceeded(partial.prefix.value, limit=limit, actual=limit + 1)
                found.append(_row(partial, row.key, row.value))
        return found

    async def page(self, partial: Key[R], *, size: int, bookmark: str = "") -> Page[R]:
        """Return some records below a partial key; for queries, since a peer refuses writes after it.

        Parameters
        ----------
        partial : Key
            Object type and the first parts.
        size : int
            1 to 1,000.
        bookmark : str, default ""
            From the page before; one that leaves the range is refused.

        Raises
        ------
        LimitExceeded
            If `size` is more than 1,000.
        ModelError
            If `size` is less than 1, or the bookmark lies outside of the range.
        """
        if size > MAX_ROWS:
            raise LimitExceeded("rows a page", limit=MAX_ROWS, actual=size)
        start, end = composite_range(partial.prefix, partial.parts)
        if bookmark and not start <= bookmark < end:
            raise ModelError({"bookmark": "is not of this range"}, subject="page")
        rows, metadata = await self.stub.get_state_by_partial_composite_key_with_pagination(
            partial.prefix, partial.parts, size, bookmark
        )
        found = [_row(partial, row.key, row.value) async for row in rows]
        return Page(found, metadata.bookmark)

    async def history(self, key: Key[R], *, limit: int = MAX_ROWS) -> list[Version[R]]:
        """Return what stood under a key, the newest first; for queries, since no conflict shows its growth.

        Raises
        ------
        LimitExceeded
            If it was written more than `limit` times.
        """
        found: list[Version[R]] = []
        async with await self.stub.get_history_for_key(key.to_text()) as changes:
            async for change in changes:
                if len(found) == limit:
                    raise LimitExceeded(f"versions of {key.prefix.value}", limit=limit, actual=limit + 1)
                found.append(Version(change.tx_id, None if change.is_delete else _read(key, change.value)))
        return found

    async def _see(self, texts: Sequence[str]) -> None:
        unseen = [text for text in dict.fromkeys(texts) if text not in self._seen]
        if unseen:
            values = await self.stub.get_multiple_states(*unseen)
            self._seen.update(zip(unseen, values, strict=True))

    @staticmethod
    def _bytes_of(key: Key[R], record: R) -> bytes:
        if not isinstance(record, key.record_type):
            raise TypeError(f"{type(record).__name__} is no {key.record_type.__name__}")
        return record.to_bytes()

    # --- event

    def emit(self, event: Event, payload: ModelValue) -> None:
        """Set the transaction's event, which listeners get when it has committed; the last one counts."""
        self.stub.set_event(event.value, payload.to_bytes())


def _read(key: Key[R], value: bytes | None) -> R | None:
    if value is None:
        return None
    try:
        return cast("R", _record_of(key.record_type, value))
    except ModelError as exc:
        raise DefectInContract(f"what stands under {key} is no {key.record_type.__name__}: {exc}") from exc


def _record_of(kind: Any, value: bytes) -> Any:
    """Read a record; frozen ones of the same bytes are one and the same."""
    if len(value) > _KEPT_BYTES or kind.__holds_dict__:
        return kind.from_bytes(value)
    return _kept_record(kind, value)


@lru_cache(maxsize=_KEPT_RECORDS)
def _kept_record(kind: Any, value: bytes) -> Record:
    return cast("Record", kind.from_bytes(value))


def _row(partial: Key[R], text: str, value: bytes) -> Row[R]:
    _, parts = split_composite_key(text)
    key = Key(partial.record_type, partial.prefix, *parts)
    try:
        return Row(key, key.record_type.from_bytes(value))
    except ModelError as exc:
        raise DefectInContract(f"what stands under {key} is no {key.record_type.__name__}: {exc}") from exc
