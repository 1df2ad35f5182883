"""What the contract trade refuses of agreements, claims and fees, beyond `exchange_refusals`.

055 NotAgreed               trade       no agreement covers what is asked
056 AgreementOver           trade       an agreement has not begun, has run out or was ended
057 AgreementUsedUp         trade       a query under an agreement was used, or is beyond its limit
058 TermsRefused            trade       an agreement's terms do not stand with the charging standards
059 HoldClaimed             trade       the owner claims to have delivered: the hold waits for an answer
090 AnswerTimeLeft          trade       the application may still answer a claim
091 ClaimDenied             trade       the application denies the claim: an auditor decides
092 ClaimNotDenied          trade       there is nothing for an auditor to decide
093 FeeNotOverdue           trade       the platform collects fees only once they are overdue
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "AgreementOver",
    "AgreementUsedUp",
    "AnswerTimeLeft",
    "ClaimDenied",
    "ClaimNotDenied",
    "FeeNotOverdue",
    "HoldClaimed",
    "NotAgreed",
    "TermsRefused",
]


class NotAgreed(ContractError):
    """No named agreement covers fields of a query.

    Parameters
    ----------
    fields : sequence of str
        Field identifiers.
    """

    code = "GL-CHN-055"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"fields": list}

    def __init__(self, fields: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__(
            f"no agreement that was named covers {', '.join(fields)}", contract=contract, fields=list(fields)
        )


class AgreementOver(ContractError):
    """An agreement has not begun, has run out, or was ended by a party.

    Parameters
    ----------
    agreement : str
    why : str
    """

    code = "GL-CHN-056"
    exit_code = 25
    status = 410
    field_types: ClassVar[Mapping[str, type]] = {"agreement": str}

    def __init__(self, agreement: str, why: str, *, contract: str = "") -> None:
        super().__init__(f"the agreement {agreement} {why}", contract=contract, agreement=agreement)


class AgreementUsedUp(ContractError):
    """A query under an agreement was used before, or its number is beyond the agreement's limit.

    Parameters
    ----------
    agreement : str
    number : int
    """

    code = "GL-CHN-057"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"agreement": str, "number": int}

    def __init__(self, agreement: str, number: int, *, contract: str = "") -> None:
        super().__init__(
            f"query {number} under the agreement {agreement} is used, or beyond its limit",
            contract=contract,
            agreement=agreement,
            number=number,
        )


class TermsRefused(ContractError):
    """An agreement's terms do not stand with the charging standards, the rule or the time.

    Parameters
    ----------
    problems : sequence of str
    """

    code = "GL-CHN-058"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"problems": list}

    def __init__(self, problems: tuple[str, ...], *, contract: str = "") -> None:
        super().__init__("; ".join(problems), contract=contract, problems=list(problems))


class HoldClaimed(ContractError):
    """The owner claims to have delivered, so its hold does not return before the claim is answered.

    Parameters
    ----------
    order, system : str
    """

    code = "GL-CHN-059"
    exit_code = 25
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"order": str, "system": str}

    def __init__(self, order: str, system: str, *, contract: str = "") -> None:
        super().__init__(
            f"{system} claims to have delivered for order {order}",
            contract=contract,
            order=order,
            system=system,
        )


class AnswerTimeLeft(ContractError):
    """The data application may still answer a claim.

    Parameters
    ----------
    answer_until_ms, now_ms : int
        Milliseconds since 1970.
    """

    code = "GL-CHN-090"
    exit_code = 29
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"answer_until_ms": int, "now_ms": int}

    def __init__(self, *, answer_until_ms: int, now_ms: int, contract: str = "") -> None:
        super().__init__(
            f"the claim may be answered for {answer_until_ms - now_ms} ms",
            contract=contract,
            answer_until_ms=answer_until_ms,
            now_ms=now_ms,
        )


class ClaimDenied(ContractError):
    """The data application denies a claim, so an auditor decides it."""

    code = "GL-CHN-091"
    exit_code = 29
    status = 409


class ClaimNotDenied(ContractError):
    """A claim that nobody denies needs no auditor."""

    code = "GL-CHN-092"
    exit_code = 29
    status = 409


class FeeNotOverdue(ContractError):
    """The platform collects a fee itself only once it is overdue.

    Parameters
    ----------
    due_ms, now_ms : int
        Milliseconds since 1970.
    """

    code = "GL-CHN-093"
    exit_code = 29
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"due_ms": int, "now_ms": int}

    def __init__(self, *, due_ms: int, now_ms: int, contract: str = "") -> None:
        super().__init__(
            f"the fee is due in {due_ms - now_ms} ms", contract=contract, due_ms=due_ms, now_ms=now_ms
        )
