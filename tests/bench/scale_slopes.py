"""Slopes: what each further unit costs, from the measured steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.bench.scale_channel import BlockCosts, Costs
from tests.bench.scale_fit import Fit, fit_shares, likelier
from tests.bench.scale_steps import Operation, Step

from gridledger.model.errors import ModelError

__all__ = ["Footprint", "Slopes"]

_PEERS = 2
_ORDERERS = 4
_LEAST_MS = 1e-3
"""Of a step: what is measured as less, in milliseconds, counts as so much."""

_APART = 3
"""How many times as many units a transaction tell its share from theirs."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Bytes that a unit leaves at every peer; blocks also at every orderer."""

    chain: Fit
    writes: Fit
    """Keys and values of the state, before the store compresses them."""
    stores: float
    """State, history and index on disk: what is written, times what stores keep of all that was measured."""

    @property
    def peer_bytes(self) -> float:
        """Bytes of a further unit on a peer's disk."""
        return self.chain.slope + self.stores


class Slopes:
    """What the measured steps say.

    Parameters
    ----------
    steps : sequence of Step
        As they were measured.

    Raises
    ------
    ModelError
        Puts were not measured: what a block and an execution cost comes from them.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        self._costs: dict[tuple[Operation, float], Costs] = {}
        puts, evaluated = self.of(Operation.PUT), self.of(Operation.EVALUATE)
        self.endorse_s = sum(one.peer_ms for one in evaluated) / sum(one.units for one in evaluated) / 1e3
        """CPU of a peer that executes a call, without its chaincode."""
        blocks, calls = [float(one.blocks) for one in puts], [float(one.transactions) for one in puts]
        orders = [max(_LEAST_MS, one.orderer_ms) for one in puts]
        order_block, _ = fit_shares(blocks, calls, orders)
        commits = [max(_LEAST_MS, one.commit_ms) for one in puts]
        commit_block, _ = fit_shares(blocks, calls, commits)
        self.blocks = BlockCosts(
            order_s=order_block / _ORDERERS / 1e3,
            commit_s=commit_block / 1e3,
        )
        """What a block costs beside its transactions."""

    def of(self, operation: Operation) -> list[Step]:
        """Return the steps of an operation; ModelError if there are none."""
        found = [one for one in self._steps if one.operation is operation]
        if not found:
            raise ModelError({operation.value: "was not measured"}, subject="steps")
        return found

    def measured(self) -> list[Operation]:
        """Return the operations that were measured."""
        return [one for one in Operation if any(step.operation is one for step in self._steps)]

    def footprint(self, operation: Operation) -> Footprint:
        """Return what a unit leaves."""
        steps = self.of(operation)
        units = list(accumulate(one.units for one in steps))
        # Stores tidy up when they like, so that one step's growth says little.
        kept = [one for one in self._steps if one.operation is not Operation.READ_MODEL]
        of_bytes = sum(one.state_disk for one in kept) / sum(one.write_bytes for one in kept)
        of_writes = sum(one.history_disk + one.index_disk for one in kept) / sum(one.writes for one in kept)
        return Footprint(
            chain=likelier(units, list(accumulate(one.chain_disk for one in steps))),
            writes=likelier(units, list(accumulate(one.write_bytes for one in steps))),
            stores=(
                of_bytes * sum(one.write_bytes for one in steps)
                + of_writes * sum(one.writes for one in steps)
            )
            / units[-1],
        )

    def cpu(self, operation: Operation) -> Fit:
        """Return how the CPU of all processes grows, milliseconds."""
        steps = self.of(operation)
        units = list(accumulate(one.units for one in steps))
        return likelier(units, list(accumulate(one.cpu_ms for one in steps)))

    def costs(self, operation: Operation, items: float = 1.0) -> Costs:
        """Return what a transaction with so many units in it costs.

        Notes
        -----
        What blocks cost by themselves is taken off first. A transaction and each of its units have their own
        shares, where steps with few and with many units a transaction were measured; else all of it is the
        units'. Committing takes what a peer logged, and at most the CPU that executing did not take.
        """
        known = (operation, items)
        if known not in self._costs:
            self._costs[known] = self._compute(operation, items)
        return self._costs[known]

    def _compute(self, operation: Operation, items: float) -> Costs:
        steps = self.of(operation)
        transactions = [float(one.transactions) for one in steps]
        units = [float(one.units) for one in steps]

        together = [u / t for u, t in zip(units, transactions, strict=True)]

        def share(values: Sequence[float]) -> float:
            values = [max(_LEAST_MS, one) for one in values]
            if max(together) < _APART * min(together):
                return items * sum(values) / sum(units)
            a, b = fit_shares(transactions, units, values)
            return a + b * items

        order_block, commit_block = self.blocks.order_s * 1e3, self.blocks.commit_s * 1e3
        order = share([one.orderer_ms - _ORDERERS * order_block * one.blocks for one in steps]) / _ORDERERS
        peer = share([one.peer_ms for one in steps]) / _PEERS
        commit = share([one.commit_ms - commit_block * one.blocks for one in steps])
        chaincode = share([one.chaincode_ms for one in steps]) / _PEERS
        client = share([one.client_ms for one in steps])
        size = share([float(one.envelope_bytes) for one in steps])
        endorse = min(peer, self.endorse_s * 1e3)
        # The log's time counts what else ran on the machine, the CPU's does not.
        commit = min(commit, peer - endorse)
        return Costs(
            client_s=client / 1e3,
            endorse_s=endorse / 1e3,
            chaincode_s=chaincode / 1e3,
            order_s=order / 1e3,
            validate_s=max(0.0, peer - endorse - commit) / 1e3,
            commit_s=commit / 1e3,
            bytes=size,
        )
