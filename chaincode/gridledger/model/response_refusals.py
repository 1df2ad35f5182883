"""What the contract response refuses, beyond `refusals` and `exchange_refusals`.

120 AlreadyAnchored         response    this side has anchored the run: a record's number is anchored once
121 RunOutOfTurn            response    a run does not lie behind the last one that this side anchored
122 NotTheTerminal          response    the caller is neither the terminal's agent nor its server's
123 NothingToOpen           response    a run's roots do not differ
124 LeavesDiffer            response    digests do not lead to the root that this side anchored
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = ["AlreadyAnchored", "LeavesDiffer", "NotTheTerminal", "NothingToOpen", "RunOutOfTurn"]


class AlreadyAnchored(ContractError):
    """This side has anchored a run with this first record; a record's unique id is anchored once a side.

    Parameters
    ----------
    terminal : str
    first : int
    tx_id : str
        The transaction that did.
    """

    code = "GL-CHN-120"
    exit_code = 28
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"terminal": str, "first": int, "tx_id": str}

    def __init__(self, terminal: str, first: int, tx_id: str, *, contract: str = "") -> None:
        super().__init__(
            f"the run of {terminal} from {first} on is anchored by transaction {tx_id}",
            contract=contract,
            terminal=terminal,
            first=first,
            tx_id=tx_id,
        )


class RunOutOfTurn(ContractError):
    """A run begins with a record at or before the last one that this side anchored.

    Parameters
    ----------
    terminal : str
    first : int
    last : int
        The last record that is anchored.
    """

    code = "GL-CHN-121"
    exit_code = 28
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"terminal": str, "first": int, "last": int}

    def __init__(self, terminal: str, first: int, last: int, *, contract: str = "") -> None:
        super().__init__(
            f"the run of {terminal} from {first} on does not lie behind {last}, which is anchored",
            contract=contract,
            terminal=terminal,
            first=first,
            last=last,
        )


class NotTheTerminal(ContractError):
    """The caller acts neither for the terminal nor for its server's system.

    Parameters
    ----------
    terminal : str
    """

    code = "GL-CHN-122"
    exit_code = 28
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"terminal": str}

    def __init__(self, terminal: str, *, contract: str = "") -> None:
        super().__init__(f"the caller does not act for {terminal}", contract=contract, terminal=terminal)


class NothingToOpen(ContractError):
    """A run is not opened unless both sides anchored it, and differently."""

    code = "GL-CHN-123"
    exit_code = 28
    status = 409


class LeavesDiffer(ContractError):
    """The digests do not lead to the root that this side anchored."""

    code = "GL-CHN-124"
    exit_code = 28
    status = 400
