"""A user of an organisation who has a probe take steps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fabric_protos.common import common_pb2, ledger_pb2
from tests.conformance.probe.steps import Step, decode_results, encode_steps
from tests.conformance.wire import ProposalParts, Signer, Wire
from tests.worlds import attached_channel

from gridledger.client import (
    Commit,
    CommitStatus,
    Committed,
    Contract,
    Gateway,
    Proposal,
    SubmitError,
    Transaction,
)
from gridledger.model.argument import Argument

CHANNEL = attached_channel() or "energy"
RENEWAL = b"ledger:RenewTimeMark"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One identity, on one chaincode, through the gateway of its own organisation."""

    msp_id: str
    gateway: Gateway
    signer: Signer
    wire: Wire
    contract: Contract
    others: list[Caller] = field(default_factory=list, repr=False)

    def on(self, chaincode: str, contract: str | None = None) -> Caller:
        """Return the same user on another chaincode."""
        return replace(self, contract=self.gateway.network(CHANNEL).contract(chaincode, contract))

    async def evaluate(self, *steps: Step, **options: Any) -> Any:
        """Take steps at one peer; return the last one's result."""
        return decode_results(await self.contract.evaluate("Run", encode_steps(steps), **options))[-1]

    async def evaluate_each(self, *steps: Step, **options: Any) -> list[Any]:
        """Take steps at one peer; return all results."""
        return decode_results(await self.contract.evaluate("Run", encode_steps(steps), **options))

    async def submit(self, *steps: Step, **options: Any) -> Any:
        """Take steps as a transaction and wait until all peers have it; return the last one's result."""
        return decode_results((await self.transact(*steps, **options)).result)[-1]

    async def transact(self, *steps: Step, **options: Any) -> Committed:
        """Take steps as a transaction and wait until all peers have it; return where it stands."""
        committed = await self.contract.transact("Run", encode_steps(steps), **options)
        await self.all_peers_have(committed.tx_id)
        return committed

    async def query(self, function: str, *arguments: Argument, **options: Any) -> bytes:
        """Call a contract's query."""
        return await self.contract.evaluate(function, *arguments, **options)

    async def call(self, function: str, *arguments: Argument, **options: Any) -> bytes:
        """Call a contract's transaction and wait until all peers have it."""
        committed = await self.contract.transact(function, *arguments, **options)
        await self.all_peers_have(committed.tx_id)
        return committed.result

    async def call_once(self, function: str, *arguments: Argument, **options: Any) -> Committed:
        """Call a contract's transaction under a call key and wait until all peers have it."""
        committed = await self.contract.transact_once(function, *arguments, **options)
        await self.all_peers_have(committed.tx_id)
        return committed

    async def outcome(self, transaction: Transaction) -> CommitStatus:
        """Send an endorsed transaction and wait until all peers have it, valid or not."""
        status = await (await send(transaction)).status()
        await self.all_peers_have(status.tx_id)
        return status

    async def outcomes(self, transactions: Iterable[Transaction]) -> list[CommitStatus]:
        """Send endorsed transactions at once."""
        return await asyncio.gather(*map(self.outcome, transactions))

    async def all_peers_have(self, tx_id: str) -> None:
        """Wait until the peers of the others have committed a transaction, valid or not.

        A transaction that reads what an earlier one wrote is endorsed by several peers: one that lags would
        read something else, and the endorsements would differ.
        """
        for other in self.others:
            await other.gateway.network(CHANNEL).commit(tx_id).status()

    async def block(self, number: int) -> Any:
        """Ask the system chaincode for a block, as a `common.Block`."""
        qscc = self.gateway.network(CHANNEL).contract("qscc")
        return common_pb2.Block.FromString(await qscc.evaluate("GetBlockByNumber", CHANNEL, number))

    async def height(self) -> int:
        """Ask the system chaincode how many blocks there are."""
        qscc = self.gateway.network(CHANNEL).contract("qscc")
        info = ledger_pb2.BlockchainInfo.FromString(await qscc.evaluate("GetChainInfo", CHANNEL))
        return int(info.height)

    async def ordered_since(self, height: int) -> list[str]:
        """Return the ids of what was ordered from a height on, without renewals of the time mark.

        The embedded world renews it by itself.
        """
        channel = self.gateway.network(CHANNEL)
        blocks = [await channel.block(number) for number in range(height, await self.height())]
        entries = [entry for block in blocks for entry in block.transactions]
        return [entry.tx_id for entry in entries if entry.arguments[:1] != (RENEWAL,)]

    def propose(self, *steps: Step, **options: Any) -> Proposal:
        """Make a proposal, to be taken through the client's steps by hand."""
        return self.contract.proposal("Run", encode_steps(steps), **options)

    def parts(self, *steps: Step, transient: Mapping[str, bytes] | None = None) -> ProposalParts:
        """Make a proposal without the client, to be bent."""
        return self.parts_of(["Run", encode_steps(steps)], transient=transient)

    def parts_of(
        self, arguments: Sequence[str | bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> ProposalParts:
        return ProposalParts(
            signer=self.signer,
            channel=CHANNEL,
            chaincode=self.contract.chaincode,
            arguments=[each.encode() if isinstance(each, str) else each for each in arguments],
            transient=transient or {},
        )


async def send(transaction: Transaction) -> Commit:
    """Submit an endorsed transaction once, and return the question for its outcome.

    A gateway of Fabric may answer "unavailable" for a transaction that is ordered all the same, when orderers
    have got it from each other before it came from the gateway.
    """
    try:
        return await transaction.submit()
    except SubmitError as error:
        if not error.ambiguous:
            raise
        return transaction.commit()
