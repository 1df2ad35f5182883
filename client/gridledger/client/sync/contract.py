"""A contract whose calls wait for their end."""

from __future__ import annotations

from gridledger.client import contract as asynchronous
from gridledger.client.sync.face import Face, awaited, plain_as
from gridledger.client.sync.steps import Proposal

__all__ = ["Contract"]


class Contract(Face[asynchronous.Contract]):
    """See `gridledger.client.Contract`."""

    @property
    def channel(self) -> str:
        """Channel that the chaincode is on."""
        return self.asynchronous.channel

    @property
    def chaincode(self) -> str:
        """Name of the chaincode."""
        return self.asynchronous.chaincode

    @property
    def name(self) -> str | None:
        """Name of the contract; none for the chaincode's default one."""
        return self.asynchronous.name

    proposal = plain_as(asynchronous.Contract.proposal, Proposal)
    evaluate = awaited(asynchronous.Contract.evaluate)
    submit = awaited(asynchronous.Contract.submit)
    transact = awaited(asynchronous.Contract.transact)
    submit_once = awaited(asynchronous.Contract.submit_once)
    transact_once = awaited(asynchronous.Contract.transact_once)
    settle_call = awaited(asynchronous.Contract.settle_call)
