"""What a contract refused, found again in the answers of the endorsers."""

from __future__ import annotations

from gridledger.client.errors import RpcError
from gridledger.model import (
    catalogue_refusals,
    exchange_refusals,
    refusals,
    registry_refusals,
    trade_refusals,
)
from gridledger.model.errors import ContractError

__all__ = ["raise_refusal"]

# Classes that are imported are found again; the others come back as plain ContractError with their code.
_KNOWN = (catalogue_refusals, exchange_refusals, refusals, registry_refusals, trade_refusals)


def raise_refusal(error: RpcError) -> None:
    """Raise the contract's refusal in place of the step's error, if there is one.

    Parameters
    ----------
    error : RpcError
        What the step ended in; the refusal is chained to it.

    Raises
    ------
    ContractError
        The first refusal among the endorsers' answers, as the class that the contract raised.
    """
    for detail in error.details:
        refusal = ContractError.from_wire(detail.message)
        if refusal is not None:
            raise refusal from error
