"""What the integrity contract refuses, besides `RootDiffers` (GL-CHN-060).

061 SupplementOutOfTurn     integrity   a supplement's number is not the next one of its field and period
062 DepositedBeforeMove     integrity   the period was deposited under the name that the field had before
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = ["DepositedBeforeMove", "SupplementOutOfTurn"]


class SupplementOutOfTurn(ContractError):
    """A supplement does not follow what was deposited for its field and period.

    Parameters
    ----------
    item : str
        Field and period.
    number : int
        The supplement's.
    following : int
        The number that comes next; 0 where nothing was deposited yet.
    """

    code = "GL-CHN-061"
    exit_code = 26
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"item": str, "number": int, "following": int}

    def __init__(self, item: str, *, number: int, following: int, contract: str = "") -> None:
        super().__init__(
            f"{item}: supplement {number} is out of turn, {following} comes next",
            contract=contract,
            item=item,
            number=number,
            following=following,
        )


class DepositedBeforeMove(ContractError):
    """A field's period was deposited under the name that the field had before, and stays there.

    Parameters
    ----------
    field, period : str
    deposited_as : str
        The name under which it stands, and under which its supplements follow.
    """

    code = "GL-CHN-062"
    exit_code = 26
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"field": str, "period": str, "deposited_as": str}

    def __init__(self, field: str, period: str, *, deposited_as: str, contract: str = "") -> None:
        super().__init__(
            f"{field} for {period} was deposited as {deposited_as}",
            contract=contract,
            field=field,
            period=period,
            deposited_as=deposited_as,
        )
