"""What the catalogue refuses, beyond `exchange_refusals`.

032 WithdrawnByOwner        catalogue   the owner has withdrawn the fields; only it publishes them again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = ["WithdrawnByOwner"]


class WithdrawnByOwner(ContractError):
    """The owner has withdrawn fields from an application, and only the owner grants them again.

    Parameters
    ----------
    fields : sequence of str
        Selectors, `system#name`.
    """

    code = "GL-CHN-032"
    exit_code = 23
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"fields": list}

    def __init__(self, fields: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__(
            f"withdrawn by the owner: {', '.join(fields)}", contract=contract, fields=list(fields)
        )
