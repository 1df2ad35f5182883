"""What a contract refused, found again in the answers of the endorsers."""

from __future__ import annotations

from gridledger.client.errors import RpcError
from gridledger.model.errors import ContractError, ModelError

__all__ = ["raise_refusal"]


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
        try:
            refusal = ContractError.from_wire(detail.message)
        except ModelError:
            # Words that only look like a refusal: the step's error shows them as they are.
            continue
        if refusal is not None:
            raise refusal from error
