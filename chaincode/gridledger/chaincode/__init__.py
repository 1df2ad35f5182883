"""The contracts of GridLedger, and the chaincode that is made of them: `gridledger.chaincode:GridLedger`."""

from __future__ import annotations

from gridledger.chaincode.catalogue import Catalogue
from gridledger.chaincode.council import CouncilContract
from gridledger.chaincode.edge import EdgeContract
from gridledger.chaincode.integrity import Integrity
from gridledger.chaincode.lake import LakeContract
from gridledger.chaincode.registry import Registry
from gridledger.chaincode.resolution import ResolutionContract
from gridledger.chaincode.response import ResponseContract
from gridledger.chaincode.search import Search
from gridledger.chaincode.trade import Trade
from gridledger.shim import ContractChaincode

__all__ = ["GridLedger"]


class GridLedger(ContractChaincode):
    """The chaincode `gridledger`."""

    def __init__(self) -> None:
        super().__init__(
            Registry(),
            Catalogue(),
            ResolutionContract(),
            Integrity(),
            Trade(),
            Search(),
            LakeContract(),
            ResponseContract(),
            EdgeContract(),
            CouncilContract(),
            title="gridledger",
        )
