"""What a chaincode answers to one transaction."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from gridledger.model.errors import ContractError

__all__ = ["Response", "Status", "error", "refusal", "success"]


class Status(IntEnum):
    """Status codes with a meaning to the peer; from `REFUSED` on it does not endorse."""

    OK = 200
    REFUSED = 400
    ERROR = 500


_OK = Status.OK.value
_REFUSED = Status.REFUSED.value


class Response(NamedTuple):
    """The answer of a chaincode to one transaction.

    Parameters
    ----------
    status : int
        200 for success; from 400 on the peer does not endorse and hands `message` to the client.
    message : str, default ""
        For a person, or a refusal in its wire form.
    payload : bytes, default b""
        The result.
    """

    status: int
    message: str = ""
    payload: bytes = b""

    @property
    def endorsable(self) -> bool:
        """Whether a peer endorses a transaction that ends so."""
        return self.status < _REFUSED


_DONE = Response(_OK)


def success(payload: bytes = b"") -> Response:
    """Answer with a result.

    Examples
    --------
    >>> success(b"42")
    Response(status=200, message='', payload=b'42')
    """
    return Response(_OK, "", payload) if payload else _DONE


def error(message: str, *, status: int = Status.ERROR, payload: bytes = b"") -> Response:
    """Answer that the call failed; the peer does not endorse it.

    Parameters
    ----------
    message : str
        What the client is told.
    status : int, default 500
        400 or more.
    payload : bytes, default b""
        Further data for a calling chaincode; clients of the Gateway do not get it.

    Raises
    ------
    ValueError
        If `status` is below 400: the peer would endorse it as a success.
    """
    if status < Status.REFUSED:
        raise ValueError(f"an error's status is 400 or more, not {status}")
    return Response(int(status), message, payload)


def refusal(exception: ContractError) -> Response:
    """Answer with a refusal, which the client gets as the same class."""
    return Response(exception.status, exception.to_wire())
