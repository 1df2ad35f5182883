"""What the contracts of the exchange refuse, beyond the classes that every contract has (`refusals`).

020 NotTheAgent             registry    the caller does not act for the system
021 CheckNotPassed          registry    an application was not checked, or the check found problems
022 NotActive               registry    an identifier is not active (planned, suspended, revoked, ...)
030 NotAKeyDevice           catalogue   fewer than two systems manage the device
031 NotPublished            catalogue   fields are not published to the application
040 FieldRefused            resolution  a wanted field is not in the rule, or does not admit the user role
041 TooFewSystems           resolution  a resolution would target fewer than two systems
042 SignatureRefused        resolution  a signature does not hold
043 Expired                 resolution  a request or resolution is too old
050 NotesInsufficient       trade       the notes do not cover the amount
051 AmountDiffers           trade       the price is not the one that the payer expects
052 NoHold                  trade       no hold waits for this system
053 HoldNotOver             trade       the hold's deadline has not passed
054 ContractDiffers         trade       a transaction contract does not say what was ordered
060 RootDiffers             integrity   another root of this field and period was deposited before
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "AmountDiffers",
    "CheckNotPassed",
    "ContractDiffers",
    "Expired",
    "FieldRefused",
    "HoldNotOver",
    "NoHold",
    "NotAKeyDevice",
    "NotActive",
    "NotPublished",
    "NotTheAgent",
    "NotesInsufficient",
    "RootDiffers",
    "SignatureRefused",
    "TooFewSystems",
]


class NotTheAgent(ContractError):
    """The caller is not the agent of the system that it wants to act for.

    Parameters
    ----------
    system : str
        Its identifier.
    """

    code = "GL-CHN-020"
    exit_code = 22
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"system": str}

    def __init__(self, system: str, *, contract: str = "") -> None:
        super().__init__(f"the caller is not the agent of {system}", contract=contract, system=system)


class CheckNotPassed(ContractError):
    """An application has not been checked, or the check found what stands against it.

    Parameters
    ----------
    problems : sequence of str
        What was found.
    """

    code = "GL-CHN-021"
    exit_code = 22
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"problems": list}

    def __init__(self, problems: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__("; ".join(problems), contract=contract, problems=list(problems))


class NotActive(ContractError):
    """An identifier is in a state in which it cannot be used.

    Parameters
    ----------
    identifier : str
    state : str
        Its state.
    """

    code = "GL-CHN-022"
    exit_code = 22
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"identifier": str, "state": str}

    def __init__(self, identifier: str, state: str, *, contract: str = "") -> None:
        super().__init__(f"{identifier} is {state}", contract=contract, identifier=identifier, state=state)


class NotAKeyDevice(ContractError):
    """Fewer than two systems manage a device."""

    code = "GL-CHN-030"
    exit_code = 23
    status = 409


class NotPublished(ContractError):
    """Fields are not published to a data application.

    Parameters
    ----------
    fields : sequence of str
        Selectors, `system#name`.
    """

    code = "GL-CHN-031"
    exit_code = 23
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"fields": list}

    def __init__(self, fields: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__(f"not published: {', '.join(fields)}", contract=contract, fields=list(fields))


class FieldRefused(ContractError):
    """A request wants fields that it may not have; nothing of it is resolved.

    Parameters
    ----------
    why : str
        What excludes them.
    fields : sequence of str
        Selectors, `system#name`, or field identifiers.
    """

    code = "GL-CHN-040"
    exit_code = 24
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"fields": list}

    def __init__(self, why: str, fields: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__(f"{why}: {', '.join(fields)}", contract=contract, fields=list(fields))


class TooFewSystems(ContractError):
    """A resolution would target fewer than two systems."""

    code = "GL-CHN-041"
    exit_code = 24
    status = 409


class SignatureRefused(ContractError):
    """A signature over a request, actual roots or a transaction contract does not hold.

    Parameters
    ----------
    signed : str
        What it should have signed.
    signer : str
        The system whose agent should have signed it.
    """

    code = "GL-CHN-042"
    exit_code = 24
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"signed": str, "signer": str}

    def __init__(self, signed: str, signer: str, *, contract: str = "") -> None:
        super().__init__(
            f"the signature over the {signed} is not that of {signer}",
            contract=contract,
            signed=signed,
            signer=signer,
        )


class Expired(ContractError):
    """A request or resolution is too old, or claims to come from the future."""

    code = "GL-CHN-043"
    exit_code = 24
    status = 410


class NotesInsufficient(ContractError):
    """The named notes do not cover the amount.

    Parameters
    ----------
    given_milliyuan, wanted_milliyuan : int
    """

    code = "GL-CHN-050"
    exit_code = 25
    status = 402
    field_types: ClassVar[Mapping[str, type]] = {"given_milliyuan": int, "wanted_milliyuan": int}

    def __init__(self, *, given_milliyuan: int, wanted_milliyuan: int, contract: str = "") -> None:
        super().__init__(
            f"the notes hold {given_milliyuan} milli-yuan, {wanted_milliyuan} are wanted",
            contract=contract,
            given_milliyuan=given_milliyuan,
            wanted_milliyuan=wanted_milliyuan,
        )


class AmountDiffers(ContractError):
    """The amount is not the one that the caller expects.

    Parameters
    ----------
    expected_milliyuan, actual_milliyuan : int
    """

    code = "GL-CHN-051"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"expected_milliyuan": int, "actual_milliyuan": int}

    def __init__(self, *, expected_milliyuan: int, actual_milliyuan: int, contract: str = "") -> None:
        super().__init__(
            f"the price is {actual_milliyuan} milli-yuan, not {expected_milliyuan}",
            contract=contract,
            expected_milliyuan=expected_milliyuan,
            actual_milliyuan=actual_milliyuan,
        )


class NoHold(ContractError):
    """No hold of the order waits for this system: it was settled or returned, or never was.

    Parameters
    ----------
    order, system : str
    """

    code = "GL-CHN-052"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"order": str, "system": str}

    def __init__(self, order: str, system: str, *, contract: str = "") -> None:
        super().__init__(
            f"order {order} has no hold for {system}", contract=contract, order=order, system=system
        )


class HoldNotOver(ContractError):
    """The hold's deadline has not passed.

    Parameters
    ----------
    deadline_ms, now_ms : int
        Milliseconds since 1970.
    """

    code = "GL-CHN-053"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"deadline_ms": int, "now_ms": int}

    def __init__(self, *, deadline_ms: int, now_ms: int, contract: str = "") -> None:
        super().__init__(
            f"the hold ends in {deadline_ms - now_ms} ms",
            contract=contract,
            deadline_ms=deadline_ms,
            now_ms=now_ms,
        )


class ContractDiffers(ContractError):
    """A transaction contract does not say what was resolved and ordered."""

    code = "GL-CHN-054"
    exit_code = 25
    status = 409


class RootDiffers(ContractError):
    """Another root of the field and period was deposited before; a deposit is written once."""

    code = "GL-CHN-060"
    exit_code = 26
    status = 409
