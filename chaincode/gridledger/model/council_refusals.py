"""What the contract council refuses, beyond `refusals` and `exchange_refusals`.

140 NotAnElector            council     an organisation has no vote in an election
141 ElectionOutOfTurn       council     an election is over, still runs, or is not the next one
142 NotElectable            council     somebody does not stand for election
143 NotASuperNode           council     the caller is no super node of the round, or may not do it
144 RoundOutOfTurn          council     a round is over, not the next one, or not ready for what is asked
145 ReviewOutOfTurn         council     a request for review is not where it would have to be
146 CopyStillThere          council     a copy stands in private data, and a receipt says that it does not
147 NoSuchMisbehaviour      council     the ledger does not show what a super node was to be named for
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "CopyStillThere",
    "ElectionOutOfTurn",
    "NoSuchMisbehaviour",
    "NotASuperNode",
    "NotAnElector",
    "NotElectable",
    "ReviewOutOfTurn",
    "RoundOutOfTurn",
]

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


class NotASuperNode(ContractError):
    """The caller is no super node of the round, or not the one that may do it.

    Parameters
    ----------
    node : str
    why : str
    """

    code = "GL-CHN-143"
    exit_code = _EXIT
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"node": str}

    def __init__(self, node: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"{node} {why}", contract=contract, node=node)


class RoundOutOfTurn(ContractError):
    """A round is over, not the next one, or not ready for what is asked.

    Parameters
    ----------
    number : int
    why : str
    """

    code = "GL-CHN-144"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"number": int}

    def __init__(self, number: int, why: str, *, contract: str = "") -> None:
        super().__init__(f"round {number} {why}", contract=contract, number=number)


class ReviewOutOfTurn(ContractError):
    """A request for review is not where it would have to be.

    Parameters
    ----------
    request : str
    why : str
    """

    code = "GL-CHN-145"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"request": str}

    def __init__(self, request: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"the request {request} {why}", contract=contract, request=request)


class CopyStillThere(ContractError):
    """A copy stands in private data, and a deletion receipt says that it does not.

    Parameters
    ----------
    request : str
    node : str
    """

    code = "GL-CHN-146"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"request": str, "node": str}

    def __init__(self, request: str, node: str, *, contract: str = "") -> None:
        super().__init__(
            f"{node} still has its copy of the request {request}",
            contract=contract,
            request=request,
            node=node,
        )


class NoSuchMisbehaviour(ContractError):
    """The ledger does not show what a super node was to be named for.

    Parameters
    ----------
    node : str
    kind : str
    """

    code = "GL-CHN-147"
    exit_code = _EXIT
    status = 422
    field_types: ClassVar[Mapping[str, type]] = {"node": str, "kind": str}

    def __init__(self, node: str, kind: str, *, contract: str = "") -> None:
        super().__init__(f"the ledger shows no {kind} of {node}", contract=contract, node=node, kind=kind)
