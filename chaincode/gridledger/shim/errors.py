"""What goes wrong between a chaincode and its peer."""

from __future__ import annotations

from gridledger.model.errors import ContractError

__all__ = ["PeerError", "ProtocolError", "TransactionClosed"]


class PeerError(ContractError):
    """The peer answered a request with ERROR: it refused or could not do it.

    Parameters
    ----------
    message : str
        The peer's own words.
    request : str
        The request's type, such as ``GET_QUERY_RESULT``.

    Notes
    -----
    Examples are a rich query on LevelDB, a write after a paged query, private data of a collection that the
    caller may not read, and a chaincode that is not deployed. A contract may catch it; left alone it ends
    the transaction, and the client gets it as this class.
    """

    code = "GL-CHN-005"
    exit_code = 10

    def __init__(self, message: str, *, contract: str = "", request: str = "") -> None:
        super().__init__(message, contract=contract, request=request)
        self.request = request


class ProtocolError(ContractError):
    """The peer sent what the chaincode protocol does not allow."""

    code = "GL-CHN-006"
    exit_code = 10


class TransactionClosed(ContractError):
    """The transaction has ended or its peer is gone: nothing can be asked any more."""

    code = "GL-CHN-007"
    exit_code = 10
