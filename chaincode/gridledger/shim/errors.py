"""What goes wrong between a chaincode and its peer."""

from __future__ import annotations

from gridledger.model.errors import ContractError
from gridledger.model.refusals import PeerError

__all__ = ["PeerError", "ProtocolError", "TransactionClosed"]


class ProtocolError(ContractError):
    """The peer sent what the chaincode protocol does not allow."""

    code = "GL-CHN-016"
    exit_code = 10
    status = 502


class TransactionClosed(ContractError):
    """The transaction has ended or its peer is gone: nothing can be asked any more."""

    code = "GL-CHN-017"
    exit_code = 10
    status = 503
