"""The steps of a transaction, each waiting for its end."""

from __future__ import annotations

from gridledger.client import commit, proposal, transaction
from gridledger.client.sync.face import Face, awaited, awaited_as, plain, plain_as

__all__ = ["Commit", "Proposal", "Transaction"]


class Commit(Face[commit.Commit]):
    """See `gridledger.client.Commit`."""

    @property
    def tx_id(self) -> str:
        """Transaction id."""
        return self.asynchronous.tx_id

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return self.asynchronous.digest

    to_bytes = plain(commit.Commit.to_bytes)
    status = awaited(commit.Commit.status)


class Transaction(Face[transaction.Transaction]):
    """See `gridledger.client.Transaction`."""

    @property
    def tx_id(self) -> str:
        """Transaction id."""
        return self.asynchronous.tx_id

    @property
    def channel(self) -> str:
        """Channel that it is for."""
        return self.asynchronous.channel

    @property
    def result(self) -> bytes:
        """What the contract returned; it holds only once the transaction is committed."""
        return self.asynchronous.result

    @property
    def endorsers(self) -> tuple[str, ...]:
        """MSP ids of the organisations that endorsed it, sorted."""
        return self.asynchronous.endorsers

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return self.asynchronous.digest

    @property
    def payload(self) -> bytes:
        """The ``common.Payload`` that is signed."""
        return self.asynchronous.payload

    to_bytes = plain(transaction.Transaction.to_bytes)
    is_of = plain(transaction.Transaction.is_of)
    sign = awaited(transaction.Transaction.sign)
    submit = awaited_as(transaction.Transaction.submit, Commit)
    commit = plain_as(transaction.Transaction.commit, Commit)


class Proposal(Face[proposal.Proposal]):
    """See `gridledger.client.Proposal`."""

    @property
    def tx_id(self) -> str:
        """Transaction id."""
        return self.asynchronous.tx_id

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return self.asynchronous.digest

    to_bytes = plain(proposal.Proposal.to_bytes)
    evaluate = awaited(proposal.Proposal.evaluate)
    endorse = awaited_as(proposal.Proposal.endorse, Transaction)
