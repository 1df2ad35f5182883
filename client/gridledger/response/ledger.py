"""The contract `response` as typed calls: the only module here that knows the names of its transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import gridledger.model.exchange_refusals
import gridledger.model.response_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import (
    AnchorSide,
    ComparisonPage,
    OpenedRun,
    RunComparison,
    RunName,
    Terminal,
    TerminalEntry,
    TerminalIdentifier,
    TerminalPage,
)
from gridledger.response.chain_module import Endorsed
from gridledger.response.kept import Due
from gridledger.response.state import Side

__all__ = ["CONTRACT", "ResponseLedger"]

CONTRACT: Final = "response"


class ResponseLedger(TypedCalls):
    """One identity's calls.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.
    """

    contract_name = CONTRACT

    async def register_terminal(self, entry: TerminalEntry) -> Terminal:
        """Register a terminal of the caller's server."""
        return await self._submit(Terminal, "RegisterTerminal", entry)

    async def end_terminal(self, terminal: TerminalIdentifier, reason: str) -> Terminal:
        """End a terminal."""
        return await self._submit(Terminal, "EndTerminal", terminal, reason)

    async def terminal(self, identifier: TerminalIdentifier) -> Terminal:
        """Return a terminal."""
        return await self._ask(Terminal, "GetTerminal", identifier)

    async def terminals(self, system: SystemIdentifier) -> list[Terminal]:
        """Return all terminals of a system, by name."""
        pages = self._pages(TerminalPage, "ListTerminals", system)
        return [one async for page in pages for one in page.terminals]

    async def endorse_anchor(self, side: Side, due: Sequence[Due]) -> Endorsed:
        """Have the transaction of some runs endorsed, and sign it; nothing is sent to ordering.

        Notes
        -----
        A terminal's runs of one go as records, each the patent's transaction; all others as roots.
        """
        records = [one.record for one in due if one.record is not None]
        if side is Side.TERMINAL and len(records) == len(due):
            proposal = self._contract.proposal("AnchorRecords", records)
        else:
            proposal = self._contract.proposal("AnchorRuns", [one.run for one in due])
        transaction = await proposal.endorse()
        await transaction.sign()
        return Endorsed(tx_id=transaction.tx_id, data=transaction.to_bytes())

    async def settle(self, envelope: bytes) -> int:
        """Send an envelope until its outcome is known; return the block.

        Raises
        ------
        CommitError
            It is in the chain and did nothing.
        SubmitError, OutcomeUnknown
            The outcome is not known yet: send it again later.
        """
        status = await self.network.settle(envelope)
        status.check()
        return status.block_number

    async def compare(self, names: Sequence[RunName]) -> tuple[RunComparison, ...]:
        """Compare up to 256 runs."""
        return await self._ask(tuple[RunComparison, ...], "GetRuns", list(names))

    async def run(self, name: RunName) -> RunComparison:
        """Compare a run."""
        return await self._ask(RunComparison, "GetRun", name)

    async def runs(self, terminal: TerminalIdentifier, bookmark: str = "") -> ComparisonPage:
        """Return a page of a terminal's runs, in order."""
        return await self._ask(ComparisonPage, "ListRuns", terminal, bookmark)

    async def mismatches(self, system: SystemIdentifier, bookmark: str = "") -> ComparisonPage:
        """Return a page of the runs that were opened at a system's terminals."""
        return await self._ask(ComparisonPage, "ListMismatches", system, bookmark)

    async def head(self, terminal: TerminalIdentifier, side: AnchorSide) -> int:
        """Return the last record that a side anchored; 0 before the first."""
        return await self._ask(int, "GetHead", terminal, side)

    async def open_run(self, name: RunName, leaves: Sequence[Digest]) -> None:
        """Deposit the digests of a run's records after a mismatch."""
        await self._submit(OpenedRun, "OpenRun", name, list(leaves))
