"""What the contract lake refuses, beyond `refusals` and `exchange_refusals`.

100 VersionNotStored        lake        a version has no storage receipt
101 NotTheCustodian         lake        a custodian is not approved, or is not the one that was named
102 ReceiptDiffers          lake        a storage receipt does not say what the version's owner says
103 VersionOutOfTurn        lake        a version does not follow the newest one
104 KeyOutdated             lake        the dataset key's epoch was granted to somebody who lost the right
105 AccessOver              lake        a request was refused or revoked, or its time is over
106 NotHandedOver           lake        the owner has not handed the key over yet
107 IndexOutOfTurn          lake        a generation of an index does not follow the newest one
108 NotReviewed             lake        the council has not approved what the policy wants reviewed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "AccessOver",
    "IndexOutOfTurn",
    "KeyOutdated",
    "NotHandedOver",
    "NotReviewed",
    "NotTheCustodian",
    "ReceiptDiffers",
    "VersionNotStored",
    "VersionOutOfTurn",
]


class VersionNotStored(ContractError):
    """A version has no storage receipt, so it does not count.

    Parameters
    ----------
    dataset : str
    number : int
    """

    code = "GL-CHN-100"
    exit_code = 27
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"dataset": str, "number": int}

    def __init__(self, dataset: str, number: int, *, contract: str = "") -> None:
        super().__init__(
            f"version {number} of {dataset} has no storage receipt",
            contract=contract,
            dataset=dataset,
            number=number,
        )


class NotTheCustodian(ContractError):
    """A custodian is not approved, or is not the one that the version names.

    Parameters
    ----------
    custodian : str
    why : str
    """

    code = "GL-CHN-101"
    exit_code = 27
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"custodian": str}

    def __init__(self, custodian: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"custodian {custodian} {why}", contract=contract, custodian=custodian)


class ReceiptDiffers(ContractError):
    """A storage receipt is about another version, root or number of blocks than the owner's statement."""

    code = "GL-CHN-102"
    exit_code = 27
    status = 409


class VersionOutOfTurn(ContractError):
    """A version's number is not above the newest one's, or it names another version before it.

    Parameters
    ----------
    dataset : str
    newest : int
        Number of the newest stored version; 0 where there is none.
    """

    code = "GL-CHN-103"
    exit_code = 27
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"dataset": str, "newest": int}

    def __init__(self, dataset: str, newest: int, *, contract: str = "") -> None:
        super().__init__(
            f"the version does not follow version {newest} of {dataset}",
            contract=contract,
            dataset=dataset,
            newest=newest,
        )


class KeyOutdated(ContractError):
    """Somebody who lost the right has the key of this epoch: the dataset is sealed anew first.

    Parameters
    ----------
    epoch, least : int
        What was used, and the first epoch that may be.
    """

    code = "GL-CHN-104"
    exit_code = 27
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"epoch": int, "least": int}

    def __init__(self, epoch: int, least: int, *, contract: str = "") -> None:
        super().__init__(
            f"the dataset key of epoch {epoch} is out of date; want {least} or later",
            contract=contract,
            epoch=epoch,
            least=least,
        )


class AccessOver(ContractError):
    """An access request gives no right: it was refused or revoked, or its time is over.

    Parameters
    ----------
    request : str
    why : str
    """

    code = "GL-CHN-105"
    exit_code = 27
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"request": str}

    def __init__(self, request: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"the access request {request} {why}", contract=contract, request=request)


class NotHandedOver(ContractError):
    """The dataset's owner has not handed key and location over yet; ask again later.

    Parameters
    ----------
    request : str
    """

    code = "GL-CHN-106"
    exit_code = 27
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"request": str}

    def __init__(self, request: str, *, contract: str = "") -> None:
        super().__init__(
            f"key and location were not handed over for {request} yet", contract=contract, request=request
        )


class IndexOutOfTurn(ContractError):
    """A generation of an index is not above the newest one that was deposited.

    Parameters
    ----------
    index : str
    newest : int
    """

    code = "GL-CHN-107"
    exit_code = 27
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"index": str, "newest": int}

    def __init__(self, index: str, newest: int, *, contract: str = "") -> None:
        super().__init__(
            f"the generation does not follow {newest} of the index {index}",
            contract=contract,
            index=index,
            newest=newest,
        )


class NotReviewed(ContractError):
    """The sharing policy wants a review, and the council has not approved this.

    Parameters
    ----------
    subject : str
        Id of an access request, or digest of a version's statement.
    """

    code = "GL-CHN-108"
    exit_code = 27
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"subject": str}

    def __init__(self, subject: str, *, contract: str = "") -> None:
        super().__init__(f"the council has not approved {subject}", contract=contract, subject=subject)
