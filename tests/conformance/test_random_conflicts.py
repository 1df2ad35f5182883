"""Random transactions over few keys, held against a model of the ledger's checks.

All transactions of a round are executed on the same state and sent at once. The model is told in which block
and at which place each of them stands, and says which ones are valid.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import Step, do

from gridledger.client import CommitStatus, Transaction, ValidationCode

KEYS = 8
ROUNDS = 3
TRANSACTIONS = 24

Version = tuple[int, int]
"""Block and place of the transaction that wrote a key last."""


@dataclass
class Draft:
    """A transaction: its steps, and what they read and write, by number of the key."""

    reads: set[int] = field(default_factory=set)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    writes: dict[int, bytes | None] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def draw(cls, chance: random.Random, prefix: str) -> Draft:
        draft = cls()
        for _ in range(chance.randint(1, 4)):
            key = chance.randrange(KEYS)
            name = f"{prefix}{key}"
            match chance.choice(["get", "get", "many", "range", "put", "put", "delete"]):
                case "get":
                    draft.reads.add(key)
                    draft.steps.append(do.get_state(name))
                case "many":
                    others = chance.sample(range(KEYS), 2)
                    draft.reads.update(others)
                    draft.steps.append(do.get_multiple_states(*(f"{prefix}{each}" for each in others)))
                case "range":
                    end = chance.randint(key, KEYS)
                    draft.ranges.append((key, end))
                    draft.steps.append(do.get_state_by_range(name, f"{prefix}{end}"))
                case "put":
                    draft.writes[key] = b"%d" % chance.randrange(1000)
                    draft.steps.append(do.put_state(name, draft.writes[key]))
                case _:
                    draft.writes[key] = None
                    draft.steps.append(do.del_state(name))
        return draft


@dataclass
class Model:
    """The state as the checks leave it: values and versions of the keys that are there."""

    values: dict[int, bytes] = field(default_factory=dict)
    versions: dict[int, Version] = field(default_factory=dict)

    def judge(self, ordered: list[tuple[Version, Draft]]) -> list[ValidationCode]:
        """Say how each transaction ends, in the chain's order, and take over what the valid ones write."""
        seen = dict(self.versions)
        written: dict[int, set[int]] = {}
        codes = []
        for (block, place), draft in ordered:
            of_block = written.setdefault(block, set())
            if any(key in of_block or self.versions.get(key) != seen.get(key) for key in draft.reads):
                codes.append(ValidationCode.MVCC_READ_CONFLICT)
            elif any(self._slice(self.versions, each) != self._slice(seen, each) for each in draft.ranges):
                codes.append(ValidationCode.PHANTOM_READ_CONFLICT)
            else:
                codes.append(ValidationCode.VALID)
                of_block.update(draft.writes)
                self._write(draft, (block, place))
        return codes

    def _write(self, draft: Draft, version: Version) -> None:
        for key, value in draft.writes.items():
            if value is None:
                self.values.pop(key, None)
                self.versions.pop(key, None)
            else:
                self.values[key] = value
                self.versions[key] = version

    @staticmethod
    def _slice(versions: dict[int, Version], bounds: tuple[int, int]) -> dict[int, Version]:
        start, end = bounds
        return {key: version for key, version in versions.items() if start <= key < end}


@pytest.mark.parametrize("seed", range(4))
async def test_random_transactions_end_as_the_model_says(org1: Caller, key: str, seed: int) -> None:
    chance = random.Random(seed)
    model = Model()
    for _ in range(ROUNDS):
        drafts = [Draft.draw(chance, key) for _ in range(TRANSACTIONS)]
        endorsed = await asyncio.gather(*(org1.propose(*draft.steps).endorse() for draft in drafts))
        statuses = await org1.outcomes(endorsed)

        ordered = sorted(
            zip(await places(org1, endorsed, statuses), drafts, statuses, strict=True), key=place_of
        )
        codes = model.judge([(version, draft) for version, draft, _ in ordered])

        assert [status.validation_code for _, _, status in ordered] == codes
        rows = await org1.evaluate(do.get_multiple_states(*(f"{key}{number}" for number in range(KEYS))))
        assert rows == [model.values.get(number) for number in range(KEYS)]


def place_of(entry: tuple[Version, Draft, CommitStatus]) -> Version:
    return entry[0]


async def places(
    caller: Caller, transactions: list[Transaction], statuses: list[CommitStatus]
) -> list[Version]:
    """Return block and place of each transaction."""
    channel = caller.gateway.network(CHANNEL)
    found: dict[str, Version] = {}
    for number in {status.block_number for status in statuses}:
        block = await channel.block(number)
        found |= {entry.tx_id: (number, place) for place, entry in enumerate(block.transactions)}
    return [found[transaction.tx_id] for transaction in transactions]
