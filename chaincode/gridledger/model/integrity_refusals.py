"""What the integrity contract refuses, besides `RootDiffers` (GL-CHN-060).

061 SupplementOutOfTurn     integrity   a supplement's number is not the next one of its field and period
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = ["SupplementOutOfTurn"]


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
