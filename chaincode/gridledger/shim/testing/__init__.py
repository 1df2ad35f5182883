"""A peer in memory, for unit tests of contracts: no socket, no process, no consensus.

    async with MemoryPeer(ContractChaincode(Registry())) as peer:
        auditor = make_caller("Org1MSP", roles=[Role.AUDITOR])
        await peer.submit("registry:ApproveSystem", "88.1042.1", caller=auditor)
        system = decode_argument(System, await peer.evaluate("registry:GetSystem", "88.1042.1"))

It speaks the chaincode protocol to the same code that serves a real peer. What it leaves out: endorsement by
several organisations, MVCC, access to collections, other chaincodes; for those there is devnet.
"""

from __future__ import annotations

from gridledger.shim.testing.caller import Caller, make_caller
from gridledger.shim.testing.memory_peer import Committed, MemoryPeer

__all__ = ["Caller", "Committed", "MemoryPeer", "make_caller"]
