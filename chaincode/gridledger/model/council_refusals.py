"""What the contract council refuses, beyond `refusals` and `exchange_refusals`.

140 NotAnElector            council     an organisation has no vote in an election
141 ElectionOutOfTurn       council     an election is over, still runs, or is not the next one
142 NotElectable            council     somebody does not stand for election
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = ["ElectionOutOfTurn", "NotAnElector", "NotElectable"]

_EXIT = 28


class NotAnElector(ContractError):
    """An organisation has no vote in an election, under the rules that it was opened under.

    Parameters
    ----------
    organisation : str
    """

    code = "GL-CHN-140"
    exit_code = _EXIT
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"organisation": str}

    def __init__(self, organisation: str, *, contract: str = "") -> None:
        super().__init__(f"{organisation} has no vote here", contract=contract, organisation=organisation)


class ElectionOutOfTurn(ContractError):
    """An election is over, still runs, or is not the next one.

    Parameters
    ----------
    number : int
    why : str
    """

    code = "GL-CHN-141"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"number": int}

    def __init__(self, number: int, why: str, *, contract: str = "") -> None:
        super().__init__(f"election {number} {why}", contract=contract, number=number)


class NotElectable(ContractError):
    """Somebody does not stand for election.

    Parameters
    ----------
    candidate : str
    why : str
    """

    code = "GL-CHN-142"
    exit_code = _EXIT
    status = 422
    field_types: ClassVar[Mapping[str, type]] = {"candidate": str}

    def __init__(self, candidate: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"{candidate} {why}", contract=contract, candidate=candidate)
