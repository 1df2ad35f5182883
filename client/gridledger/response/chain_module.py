"""The chain module of a terminal or a server: anchors runs beside the business path.

A pass cleans first, settles the envelope that is under way, anchors what is due, and asks how both sides
compare; a run that differs is opened. It has its own connection to the database, and the business path never
waits for it.

Source: CN115334117A, claims 1, 2, 3, 4 and 6.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from gridledger.client.errors import CommitError
from gridledger.client.retry import Backoff
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError, ContractError, GatewayError, GridLedgerError, ServiceError
from gridledger.model.refusals import AlreadyExists
from gridledger.model.response import AnchorSide, RunAnchor, RunComparison, RunName
from gridledger.model.response_refusals import AlreadyAnchored, NothingToOpen, RunOutOfTurn
from gridledger.model.states import RunState
from gridledger.response.errors import AnchoredOtherwise, ExportFailed
from gridledger.response.kept import Due
from gridledger.response.record_store import RecordStore
from gridledger.response.run_export import RunExport, RunFolder
from gridledger.response.state import Side

__all__ = ["Anchoring", "ChainModule", "ChainSettings", "Endorsed", "Pass"]

_log: Final = logging.getLogger("gridledger.response.chain")

WEEK_S: Final = 7 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class ChainSettings:
    """How a chain module works."""

    runs: int = 64
    """Most runs of one transaction, 1 to 256."""
    pause_s: float = 1.0
    """Seconds between passes that found nothing to do."""
    keep_s: float = WEEK_S
    """Seconds that rows stay after they are settled; 0 is the patent's setting."""
    export: Path | None = None
    """Folder that gets each anchored run before its rows go; None: whoever wants to prove keeps them."""
    retry: Backoff = field(default_factory=lambda: Backoff(attempts=0, first=0.5, longest=60.0))
    """Delays after a pass that failed: they grow to the longest, with jitter, and never end."""

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, good in (
                ("runs", 1 <= self.runs <= 256),
                ("pause_s", 0 < self.pause_s <= 86_400),
                ("keep_s", 0 <= self.keep_s <= 100 * 366 * 86_400),
            )
            if not good
        ]
        if wrong:
            raise ConfigError("is out of range", key=", ".join(wrong), source="chain")

    @property
    def keeper(self) -> Callable[[RunExport], Path] | None:
        """What keeps a run before its rows go."""
        return None if self.export is None else RunFolder(self.export).keep


@dataclass(frozen=True, kw_only=True)
class Endorsed:
    """A signed envelope, ready to be sent."""

    tx_id: str
    data: bytes


class Anchoring(Protocol):
    """What a chain module asks of the ledger; `ResponseLedger` is it."""

    async def endorse_anchor(self, side: Side, due: Sequence[Due]) -> Endorsed:
        """Have the transaction of some runs endorsed, and sign it; nothing is sent to ordering."""

    async def settle(self, envelope: bytes) -> int:
        """Send an envelope until its outcome is known; return the block. CommitError: it did nothing."""

    async def compare(self, names: Sequence[RunName]) -> tuple[RunComparison, ...]:
        """Compare runs."""

    async def open_run(self, name: RunName, leaves: Sequence[Digest]) -> None:
        """Deposit the digests of a run's records."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What one pass did."""

    cleaned: int = 0
    anchored: int = 0
    """Records whose run was anchored."""
    compared: int = 0
    """Runs of which it is known now how both sides compare."""
    opened: int = 0


class ChainModule:
    """Anchors what a store has.

    Parameters
    ----------
    store : RecordStore
        Of its own connection.
    ledger : Anchoring
    settings : ChainSettings, optional
    on_failure : callable, optional
        Told of each pass that failed; logged by default.
    """

    def __init__(
        self,
        store: RecordStore,
        ledger: Anchoring,
        settings: ChainSettings | None = None,
        *,
        on_failure: Callable[[GridLedgerError], None] | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._settings = settings or ChainSettings()
        self._on_failure = on_failure or _log_failure
        self._side = AnchorSide.TERMINAL if store.side is Side.TERMINAL else AnchorSide.SERVER

    async def run(self) -> None:
        """Make passes until it is cancelled."""
        failures = 0
        while True:
            try:
                done = await self.step()
            except (GatewayError, ContractError, ServiceError) as error:
                failures += 1
                self._on_failure(error)
                await asyncio.sleep(self._settings.retry.delay(failures))
                continue
            failures = 0
            if not done.anchored and not done.compared:
                await asyncio.sleep(self._settings.pause_s)

    async def step(self) -> Pass:
        """Make one pass.

        Raises
        ------
        GatewayError, ContractError
            The ledger was not reached or refused; what was under way is kept, and the next pass goes on.
        StoreFailed
            The database failed.
        AnchoredOtherwise
            The ledger has other roots of this side than the store.
        """
        cleaned = await self._clean_first()
        anchored = await self._settle_kept()
        anchored += await self._anchor_due()
        compared, opened = await self._compare()
        return Pass(cleaned=cleaned, anchored=anchored, compared=compared, opened=opened)

    async def clean(self, keep_s: float | None = None) -> int:
        """Delete rows of records that are settled for long; return how many.

        Raises
        ------
        ExportFailed
            A run that is to be exported before could not be written; its rows stay.
        """
        age_ms = int((self._settings.keep_s if keep_s is None else keep_s) * 1000)
        keep = self._settings.keeper
        gone = 0
        while removed := await asyncio.to_thread(self._store.clean, age_ms, keep):
            gone += removed
        return gone

    async def _clean_first(self) -> int:
        """Clean, unless what goes cannot be exported: it stays then, and is anchored beside all the same."""
        try:
            return await self.clean()
        except ExportFailed as error:
            self._on_failure(error)
            return 0

    async def _settle_kept(self) -> int:
        """Find the outcome of envelopes that an earlier pass kept."""
        anchored = 0
        for tx_id, data in await asyncio.to_thread(self._store.envelopes):
            anchored += await self._settle(tx_id, data)
        return anchored

    async def _settle(self, tx_id: str, data: bytes) -> int:
        try:
            block = await self._ledger.settle(data)
        except CommitError:
            # It stands in the chain and did nothing: what it was to do is due again.
            await asyncio.to_thread(self._store.invalid, tx_id)
            return 0
        return await asyncio.to_thread(self._store.committed, tx_id, block)

    async def _anchor_due(self) -> int:
        due = await asyncio.to_thread(self._store.due, self._settings.runs)
        if not due:
            return 0
        try:
            endorsed = await self._ledger.endorse_anchor(self._store.side, due)
        except (AlreadyAnchored, RunOutOfTurn) as refusal:
            return await self._take_over(due, refusal)
        await asyncio.to_thread(
            self._store.keep_envelope, endorsed.tx_id, endorsed.data, [one.run for one in due]
        )
        return await self._settle(endorsed.tx_id, endorsed.data)

    async def _take_over(self, due: Sequence[Due], refusal: ContractError) -> int:
        """Note which due runs the ledger has already: the database is older than its envelopes."""
        found = await self._ledger.compare([_name(one) for one in due])
        taken = 0
        for one, comparison in zip(due, found, strict=True):
            anchor = self._own(comparison)
            if anchor is None:
                continue
            if anchor.run != one.run:
                raise AnchoredOtherwise(
                    f"the ledger has another root of the run of {one.run.terminal} from {one.run.first} on",
                    terminal=str(one.run.terminal),
                    first=one.run.first,
                ) from refusal
            await asyncio.to_thread(self._store.found_anchored, one.run, anchor.tx_id)
            taken += one.run.count
        if not taken:
            raise refusal
        return taken

    async def _compare(self) -> tuple[int, int]:
        names = await asyncio.to_thread(self._store.to_compare, self._settings.runs)
        if not names:
            return 0, 0
        found = await self._ledger.compare(names)
        opened = 0
        for name, one in zip(names, found, strict=True):
            if one.state is RunState.MISMATCH and self._side not in one.opened:
                opened += await self._open(name)
        states = [(name, one.state) for name, one in zip(names, found, strict=True)]
        await asyncio.to_thread(self._store.compared, states)
        return sum(state is not RunState.ABSENCE for _, state in states), opened

    async def _open(self, name: RunName) -> int:
        kept = await asyncio.to_thread(self._store.run_of, name.terminal, name.first)
        try:
            await self._ledger.open_run(name, kept.leaves)
        except (AlreadyExists, NothingToOpen):
            # An earlier pass of ours did, and this peer was a block behind.
            return 0
        return 1

    def _own(self, comparison: RunComparison) -> RunAnchor | None:
        return comparison.by_terminal if self._side is AnchorSide.TERMINAL else comparison.by_server


def _name(due: Due) -> RunName:
    return RunName(terminal=due.run.terminal, first=due.run.first)


def _log_failure(error: GridLedgerError) -> None:
    _log.warning("the chain module tries again: %s", error)
