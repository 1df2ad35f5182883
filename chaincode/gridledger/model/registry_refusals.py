"""What the registry refuses, beyond `refusals` and `exchange_refusals`.

023 IdentifierMoved       registry    the identifier has moved: another one stands for the same thing
024 TransitionRefused     registry    the life cycle has no such way for this actor
025 CodingRuleBroken      registry    the own code is not of the system's coding rule
026 PersonNotApproved     registry    the person who acts for an enterprise is not approved
027 CreditSuffices        registry    the credit is not below the threshold
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gridledger.model.errors import ContractError

__all__ = [
    "CodingRuleBroken",
    "CreditSuffices",
    "IdentifierMoved",
    "PersonNotApproved",
    "TransitionRefused",
]


class IdentifierMoved(ContractError):
    """An identifier has moved: nothing is registered or changed under it any more.

    Parameters
    ----------
    identifier, moved_to : str
    """

    code = "GL-CHN-023"
    exit_code = 22
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"identifier": str, "moved_to": str}

    def __init__(self, identifier: str, moved_to: str, *, contract: str = "") -> None:
        super().__init__(
            f"{identifier} has moved to {moved_to}",
            contract=contract,
            identifier=identifier,
            moved_to=moved_to,
        )


class TransitionRefused(ContractError):
    """The life cycle has no way from the identifier's state to the wanted one for this actor.

    Parameters
    ----------
    identifier, state, wanted, actor : str
    """

    code = "GL-CHN-024"
    exit_code = 22
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {
        "identifier": str,
        "state": str,
        "wanted": str,
        "actor": str,
    }

    def __init__(self, identifier: str, *, state: str, wanted: str, actor: str, contract: str = "") -> None:
        super().__init__(
            f"{identifier} is {state}; the {actor} cannot make it {wanted}",
            contract=contract,
            identifier=identifier,
            state=state,
            wanted=wanted,
            actor=actor,
        )


class CodingRuleBroken(ContractError):
    """An own code is not of its system's coding rule.

    Parameters
    ----------
    own_code, kind : str
    version : int
        The rule's.
    """

    code = "GL-CHN-025"
    exit_code = 22
    status = 422
    field_types: ClassVar[Mapping[str, type]] = {"own_code": str, "kind": str, "version": int}

    def __init__(self, own_code: str, *, kind: str, version: int, contract: str = "") -> None:
        super().__init__(
            f"version {version} of the coding rule has no such code of a {kind}",
            contract=contract,
            own_code=own_code,
            kind=kind,
            version=version,
        )


class PersonNotApproved(ContractError):
    """A person has not passed the real-name review, or acts for another enterprise.

    Parameters
    ----------
    person, state : str
    """

    code = "GL-CHN-026"
    exit_code = 22
    status = 403
    field_types: ClassVar[Mapping[str, type]] = {"person": str, "state": str}

    def __init__(self, person: str, state: str, *, contract: str = "") -> None:
        super().__init__(f"{person} is {state}", contract=contract, person=person, state=state)


class CreditSuffices(ContractError):
    """A system's credit is not below the threshold, so it is not deregistered for it.

    Parameters
    ----------
    system : str
    credit, least : int
    """

    code = "GL-CHN-027"
    exit_code = 22
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"system": str, "credit": int, "least": int}

    def __init__(self, system: str, *, credit: int, least: int, contract: str = "") -> None:
        super().__init__(
            f"credit {credit} of {system} is not less than {least}",
            contract=contract,
            system=system,
            credit=credit,
            least=least,
        )
