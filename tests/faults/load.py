"""Calls in flight while something is killed, and the account of what became of each."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.conformance.probe.steps import decode_results, decode_steps, do, encode_steps

from gridledger.client import (
    Block,
    BlockTransaction,
    Contract,
    Deadlines,
    Gateway,
    ValidationCode,
    verify_chain,
)
from gridledger.client import Network as Channel
from gridledger.model.errors import GatewayError

CHANNEL = "energy"
PATIENT = Deadlines(evaluate=30, endorse=30, submit=30, commit_status=90)
_KEYS_A_QUERY = 500


@dataclass
class Load:
    """Workers that each make one call after the other; every call writes a key of its own.

    Parameters
    ----------
    contract : Contract
        The script probe.
    name : str
        Beginning of all keys.
    workers : int
        Calls in flight.
    """

    contract: Contract
    name: str
    workers: int = 4
    committed: list[str] = field(default_factory=list)
    """Keys whose commit was reported."""

    failed: dict[str, GatewayError] = field(default_factory=dict)
    """Keys whose call ended in an error, which says nothing about the ledger."""

    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Load]:
        """Run while the body does; then let the calls in flight end."""
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._work(stopped))
            try:
                yield self
            finally:
                stopped.set()

    async def more(self, count: int) -> None:
        """Wait until `count` more calls are reported as committed; the caller sets the deadline."""
        target = len(self.committed) + count
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.committed) >= target)

    async def _work(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            key = f"{self.name}{next(self._numbers):06}"
            try:
                await self.contract.submit("Run", encode_steps([do.put_state(key, key.encode())]))
            except GatewayError as error:
                self.failed[key] = error
                await asyncio.sleep(0.1)
                continue
            async with self._progress:
                self.committed.append(key)
                self._progress.notify_all()

    async def account(self, channel: Channel) -> Counter[str]:
        """Check one organisation's chain and count the valid transactions of each key in it."""
        info = await channel.chain_info()
        blocks: list[Block] = [await channel.block(number) for number in range(info.height)]
        assert verify_chain(blocks) == info.height
        assert blocks[-1].header_hash == info.current_block_hash
        return Counter(
            key
            for block in blocks
            for entry in block.transactions
            if entry.validation_code is ValidationCode.VALID and (key := self._key_of(entry))
        )

    def _key_of(self, entry: BlockTransaction) -> str:
        """Return the key that a transaction of this load wrote, nothing for others."""
        if entry.chaincode != self.contract.chaincode or len(entry.arguments) != 2:
            return ""
        [step] = decode_steps(entry.arguments[1])
        return str(step.arguments[0]) if str(step.arguments[0]).startswith(self.name) else ""

    async def check(self, gateway: Gateway) -> Counter[str]:
        """Check chain and state of the gateway's organisation against what was reported; return the count.

        Every call that was reported as committed stands in the chain once, no call stands there twice, and
        the state holds exactly what the chain says.
        """
        channel = gateway.network(CHANNEL)
        counts = await self.account(channel)
        assert not [key for key in self.committed if counts[key] != 1]
        assert not [key for key, count in counts.items() if count != 1]
        keys = sorted({*self.committed, *self.failed})
        contract = channel.contract(self.contract.chaincode)
        for start in range(0, len(keys), _KEYS_A_QUERY):
            part = keys[start : start + _KEYS_A_QUERY]
            answer = await contract.evaluate("Run", encode_steps([do.get_multiple_states(*part)]))
            [values] = decode_results(answer)
            wanted = [key.encode() if counts[key] else None for key in part]
            assert values == wanted
        return counts
