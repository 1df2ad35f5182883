"""The error tree: every error of the system has a code, an exit code, `retriable` and named fields.

    GridLedgerError
    ├─ ModelError         GL-MOD  exit 2
    ├─ ConfigError        GL-CFG  exit 3
    ├─ ContractError      GL-CHN  exit 10-29
    ├─ CryptoError        GL-CRY  exit 30-39
    ├─ GatewayError       GL-GTW  exit 40-49
    ├─ LakeError          GL-LAK  exit 60-69
    ├─ ServiceError       GL-SRV  exit 70-79
    └─ NetworkSetupError  GL-NET  exit 80-89

The heads of the families stand here; the classes below them stand beside the code that raises them
(`gridledger.model.refusals` for what contracts refuse, since both chaincode and client need it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

__all__ = [
    "ConfigError",
    "ContractError",
    "CryptoError",
    "FieldValue",
    "GatewayError",
    "GridLedgerError",
    "LakeError",
    "ModelError",
    "NetworkSetupError",
    "ServiceError",
    "error_classes",
]

FieldValue: TypeAlias = "str | int | bool | list[FieldValue] | dict[str, FieldValue] | None"

_CODE = re.compile(r"GL-(MOD|CFG|CHN|CRY|GTW|LAK|SRV|NET)-\d{3}")
_EXIT_CODES: Mapping[str, range] = {
    "MOD": range(2, 3),
    "CFG": range(3, 4),
    "CHN": range(10, 30),
    "CRY": range(30, 40),
    "GTW": range(40, 50),
    "LAK": range(60, 70),
    "SRV": range(70, 80),
    "NET": range(80, 90),
}
_classes: dict[str, type[GridLedgerError]] = {}


class GridLedgerError(Exception):
    """Base of every error that GridLedger raises on purpose.

    Parameters
    ----------
    message : str
        What went wrong, for a person; one line, no secrets.
    **fields
        Named values that a program may act on; see each class.

    Notes
    -----
    A subclass names its `code`, its `exit_code` (the family gives the tens, the class the ones) and whether
    the same call may be tried again (`retriable`). Codes are unique; a second class with a code is refused at
    import.
    """

    code: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1
    retriable: ClassVar[bool] = False

    def __init__(self, message: str, **fields: FieldValue) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, FieldValue] = dict(fields)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        code = cls.__dict__.get("code")
        if code is None:
            return
        match = _CODE.fullmatch(code)
        if match is None or cls.exit_code not in _EXIT_CODES[match[1]]:
            raise TypeError(
                f"{cls.__name__}: code {code!r} or exit code {cls.exit_code} is out of its family"
            )
        known = _classes.setdefault(code, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__name__}: code {code} is taken by {known.__name__}")

    def __str__(self) -> str:
        return f"{self.code} {self.message}" if self.code else self.message


def error_classes() -> Iterator[type[GridLedgerError]]:
    """Yield every class with a code that has been imported, in the order of the codes."""
    for code in sorted(_classes):
        yield _classes[code]


class ModelError(GridLedgerError):
    """A value breaks the rules of its type; `problems` names every one of them.

    Parameters
    ----------
    problems : mapping of str to str
        Field (dotted for nested ones) to what is wrong with it.
    subject : str, optional
        What was being built or read, such as a class name.
    """

    code = "GL-MOD-001"
    exit_code = 2

    def __init__(self, problems: Mapping[str, str], *, subject: str = "value") -> None:
        self.problems: dict[str, str] = dict(problems)
        text = "; ".join(
            f"{field}: {problem}" if field else problem for field, problem in self.problems.items()
        )
        super().__init__(f"{subject}: {text}", problems=dict(self.problems))


class ConfigError(GridLedgerError):
    """A setting is missing or wrong.

    Parameters
    ----------
    message : str
        What is wrong.
    key : str
        The setting's name.
    source : str
        Where it came from: an argument, a variable, a file and its line.
    value : FieldValue, optional
        What stood there; never a secret.
    """

    code = "GL-CFG-001"
    exit_code = 3

    def __init__(self, message: str, *, key: str, source: str, value: FieldValue = None) -> None:
        super().__init__(f"{key} ({source}): {message}", key=key, source=source, value=value)


class ContractError(GridLedgerError):
    """A contract refused a call; raised in chaincode, it comes back to the client as the same class.

    Parameters
    ----------
    message : str
        Why, in one line.
    contract : str, optional
        Name of the contract; filled in by the contract layer where the raiser leaves it empty.
    **fields
        Named values, see each class.

    Notes
    -----
    A subclass names its `status` (400 to 599, with HTTP's meaning), the status of the chaincode's
    response, and in `field_types` the fields that it always has: what comes over the wire without them is not
    taken for this class.
    """

    code = "GL-CHN-001"
    exit_code = 10
    status: ClassVar[int] = 400
    field_types: ClassVar[Mapping[str, type]] = {}

    def __init__(self, message: str, *, contract: str = "", **fields: FieldValue) -> None:
        super().__init__(message, **fields)
        self.contract = contract

    def __init_subclass__(cls) -> None:
        if cls.status not in range(400, 600):
            raise TypeError(f"{cls.__name__}: status {cls.status} is not one of 400 to 599")
        super().__init_subclass__()

    def __str__(self) -> str:
        return f"{self.code} {self.contract}: {self.message}" if self.contract else super().__str__()

    def to_wire(self) -> str:
        """Write the message of the chaincode's response; see `gridledger.model.wire`."""
        from gridledger.model.wire import write_refusal  # imports this module

        return write_refusal(self)

    @staticmethod
    def from_wire(text: str) -> ContractError | None:
        """Find a refusal in a text; None if there is none. Never raises; see `gridledger.model.wire`."""
        from gridledger.model.wire import read_refusal

        return read_refusal(text)


class CryptoError(GridLedgerError):
    """A point, scalar, signature, key or seal is malformed or does not verify."""

    code = "GL-CRY-001"
    exit_code = 30


class GatewayError(GridLedgerError):
    """A step of a transaction failed at the gateway; the classes below name the step."""

    code = "GL-GTW-001"
    exit_code = 40


class LakeError(GridLedgerError):
    """A payload could not be stored or read."""

    code = "GL-LAK-001"
    exit_code = 60


class ServiceError(GridLedgerError):
    """A server of ours refused a request or could not be reached."""

    code = "GL-SRV-001"
    exit_code = 70


class NetworkSetupError(GridLedgerError):
    """A network could not be set up, started or read."""

    code = "GL-NET-001"
    exit_code = 80
