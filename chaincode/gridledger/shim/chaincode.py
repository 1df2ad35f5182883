"""What a chaincode has to offer."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from gridledger.shim.response import Response
from gridledger.shim.stub import ChaincodeStub

__all__ = ["Chaincode"]


@runtime_checkable
class Chaincode(Protocol):
    """An object that answers transactions.

    Notes
    -----
    The server calls `invoke` for every transaction, many at once, each in a task of its own. An exception
    that leaves it becomes an ERROR to the peer, and nothing is written. For a chaincode that was approved
    with ``--init-required`` the call with ``--isInit`` comes to `invoke` as any other.

    A chaincode must be deterministic: every organisation runs it on its own, and only equal results are
    endorsed. It takes time from `ChaincodeStub.get_tx_timestamp`, never from a clock; it draws no random
    number, reads no environment, and writes nothing in the order of a set. It keeps nothing between
    transactions but caches of what never changes.
    """

    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Answer one transaction."""
        ...
