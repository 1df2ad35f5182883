"""What the contract edge refuses, beyond `refusals` and `exchange_refusals`.

130 NotTheNode              edge        a storage node is not approved, or is not the caller
131 PeriodClosed            edge        a period is not open, or a batch of keys does not fit into it
132 RingRefused             edge        a ring or envelope has not its period's form
133 RingSignatureRefused    edge        a ring signature or a receipt's signature does not hold
134 KeyImageUsed            edge        the membership key has signed another message
135 ShareOver               edge        a share request was refused, or its time is over
136 ShareDiffers            edge        what was received is not what was granted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "KeyImageUsed",
    "NotTheNode",
    "PeriodClosed",
    "RingRefused",
    "RingSignatureRefused",
    "ShareDiffers",
    "ShareOver",
]

_EXIT = 28


class NotTheNode(ContractError):
    """A storage node is not approved, or the caller is not its agent.

    Parameters
    ----------
    node : str
    why : str
    """

    code = "GL-CHN-130"
    exit_code = _EXIT
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"node": str}

    def __init__(self, node: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"storage node {node} {why}", contract=contract, node=node)


class PeriodClosed(ContractError):
    """A period is not open for what was asked.

    Parameters
    ----------
    period : str
        Issuer and number.
    why : str
    """

    code = "GL-CHN-131"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"period": str}

    def __init__(self, period: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"period {period} {why}", contract=contract, period=period)


class RingRefused(ContractError):
    """A ring, or what it signs, has not the form of its period."""

    code = "GL-CHN-132"
    exit_code = _EXIT
    status = 422


class RingSignatureRefused(ContractError):
    """A signature by a ring or by a one-time key does not hold; nothing says why."""

    code = "GL-CHN-133"
    exit_code = _EXIT
    status = 403


class KeyImageUsed(ContractError):
    """The membership key has signed another message: each signs one.

    Parameters
    ----------
    deposit : str
        Id of the message that used it.
    """

    code = "GL-CHN-134"
    exit_code = _EXIT
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"deposit": str}

    def __init__(self, deposit: str, *, contract: str = "") -> None:
        super().__init__("the key image was used before", contract=contract, deposit=deposit)


class ShareOver(ContractError):
    """A share request gives no right: it was refused, or its time is over.

    Parameters
    ----------
    share : str
    why : str
    """

    code = "GL-CHN-135"
    exit_code = _EXIT
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"share": str}

    def __init__(self, share: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"the share request {share} {why}", contract=contract, share=share)


class ShareDiffers(ContractError):
    """What a node received is not what was granted to it, in number or digest."""

    code = "GL-CHN-136"
    exit_code = _EXIT
    status = 409
