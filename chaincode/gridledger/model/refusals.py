"""What contracts refuse: the classes of `ContractError`, shared by chaincode and client.

    codes       raised by                       exit codes
    000-019     contract layer, any contract    10-21
    020-029     registry                        22
    030-039     catalogue                       23
    040-049     resolution                      24
    050-059     trade                           25
    060-069     integrity                       26
    090-099     trade                           29
    100-119     lake                            27
    120-129     response                        28
    130-139     edge                            28
    140-159     council                         28

Each has a status with HTTP's meaning, which is the status of the chaincode's response: Fabric counts 400 and
more as errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

from gridledger.model.errors import ContractError, FieldValue, ModelError

__all__ = [
    "AccessDenied",
    "AlreadyExists",
    "BadArgument",
    "CallCancelled",
    "CallRepeated",
    "CallsCollide",
    "ClaimedTimeRefused",
    "Conflict",
    "DefectInContract",
    "LimitExceeded",
    "NoTimeMark",
    "NotBundled",
    "NotFound",
    "PeerError",
    "UnknownFunction",
    "WriteInQuery",
]


class UnknownFunction(ContractError):
    """The chaincode has no such contract or function.

    Parameters
    ----------
    function : str
        What was called, `contract:Function`.
    """

    code = "GL-CHN-002"
    exit_code = 11
    status = 404
    field_types: ClassVar[Mapping[str, type]] = {"function": str}

    def __init__(self, function: str, *, contract: str = "") -> None:
        super().__init__(f"there is no function {function}", contract=contract, function=function)

    @property
    def function(self) -> str:
        """What was called."""
        return cast("str", self.fields["function"])


class BadArgument(ContractError):
    """Arguments are malformed, missing or too many; `problems` names every one of them.

    Parameters
    ----------
    problems : mapping of str to str
        Argument (dotted for its fields) to what is wrong with it.
    """

    code = "GL-CHN-003"
    exit_code = 12
    status = 400
    field_types: ClassVar[Mapping[str, type]] = {"problems": dict}

    def __init__(self, problems: Mapping[str, str], *, contract: str = "") -> None:
        text = "; ".join(f"{field}: {problem}" if field else problem for field, problem in problems.items())
        super().__init__(text, contract=contract, problems=dict(problems))

    @classmethod
    def from_model_error(cls, error: ModelError, *, argument: str = "", contract: str = "") -> BadArgument:
        """Make the refusal of an argument that could not be read."""
        problems = {
            ".".join(filter(None, (argument, field))): problem for field, problem in error.problems.items()
        }
        return cls(problems, contract=contract)

    @property
    def problems(self) -> dict[str, str]:
        """Argument to problem."""
        return {
            name: str(text) for name, text in cast("dict[str, FieldValue]", self.fields["problems"]).items()
        }


class AccessDenied(ContractError):
    """The caller's organisation, role or attributes do not allow the call."""

    code = "GL-CHN-004"
    exit_code = 13
    status = 403


class NotFound(ContractError):
    """Nothing stands under the key.

    Parameters
    ----------
    kind : str
        What was looked for, such as `system`.
    key : str
        Its key, as the caller gave it.
    """

    code = "GL-CHN-005"
    exit_code = 14
    status = 404
    field_types: ClassVar[Mapping[str, type]] = {"kind": str, "key": str}

    def __init__(self, kind: str, key: str, *, contract: str = "") -> None:
        super().__init__(f"there is no {kind} {key}", contract=contract, kind=kind, key=key)

    @property
    def kind(self) -> str:
        """What was looked for."""
        return cast("str", self.fields["kind"])

    @property
    def key(self) -> str:
        """Its key."""
        return cast("str", self.fields["key"])


class AlreadyExists(ContractError):
    """Something stands under the key already.

    Parameters
    ----------
    kind : str
        What stands there, such as `system`.
    key : str
        Its key, as the caller gave it.
    """

    code = "GL-CHN-006"
    exit_code = 15
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"kind": str, "key": str}

    def __init__(self, kind: str, key: str, *, contract: str = "") -> None:
        super().__init__(f"there is a {kind} {key} already", contract=contract, kind=kind, key=key)

    @property
    def kind(self) -> str:
        """What stands there."""
        return cast("str", self.fields["kind"])

    @property
    def key(self) -> str:
        """Its key."""
        return cast("str", self.fields["key"])


class Conflict(ContractError):
    """The state that things are in does not allow the call."""

    code = "GL-CHN-007"
    exit_code = 16
    status = 409


class LimitExceeded(ContractError):
    """The call asks for more than one call may.

    Parameters
    ----------
    what : str
        What there is too much of, with its unit, such as `devices`.
    limit : int
        The most that is allowed.
    actual : int
        What was asked for.
    """

    code = "GL-CHN-008"
    exit_code = 17
    status = 413
    field_types: ClassVar[Mapping[str, type]] = {"what": str, "limit": int, "actual": int}

    def __init__(self, what: str, *, limit: int, actual: int, contract: str = "") -> None:
        super().__init__(
            f"{actual} {what} are more than {limit}", contract=contract, what=what, limit=limit, actual=actual
        )


class DefectInContract(ContractError):
    """A handler failed in a way that its author did not foresee; the chaincode's log has the traceback."""

    code = "GL-CHN-009"
    exit_code = 18
    status = 500


class CallRepeated(ContractError):
    """A call with this call key is done already; nothing was written again.

    Parameters
    ----------
    tx_id : str
        Transaction that did it.
    """

    code = "GL-CHN-010"
    exit_code = 19
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"tx_id": str}

    def __init__(self, tx_id: str, *, contract: str = "") -> None:
        super().__init__(f"the call was done by transaction {tx_id}", contract=contract, tx_id=tx_id)

    @property
    def tx_id(self) -> str:
        """Transaction that did the call."""
        return cast("str", self.fields["tx_id"])


class CallCancelled(ContractError):
    """The call key was cancelled before the call was ordered; the call will never be done.

    Parameters
    ----------
    tx_id : str
        Transaction that cancelled it.
    """

    code = "GL-CHN-011"
    exit_code = 20
    status = 409
    field_types: ClassVar[Mapping[str, type]] = {"tx_id": str}

    def __init__(self, tx_id: str, *, contract: str = "") -> None:
        super().__init__(f"the call was cancelled by transaction {tx_id}", contract=contract, tx_id=tx_id)

    @property
    def tx_id(self) -> str:
        """Transaction that cancelled the call."""
        return cast("str", self.fields["tx_id"])


class ClaimedTimeRefused(ContractError):
    """The time that the transaction claims is too far from the time mark; a new transaction may succeed.

    Parameters
    ----------
    claimed_ms : int
        Claimed time, milliseconds since 1970.
    mark_ms : int
        The time mark, likewise.
    """

    code = "GL-CHN-012"
    exit_code = 21
    status = 408
    retriable = True
    field_types: ClassVar[Mapping[str, type]] = {"claimed_ms": int, "mark_ms": int}

    def __init__(self, *, claimed_ms: int, mark_ms: int, contract: str = "") -> None:
        super().__init__(
            f"claimed time {claimed_ms} ms is too far from the time mark {mark_ms} ms",
            contract=contract,
            claimed_ms=claimed_ms,
            mark_ms=mark_ms,
        )


class NoTimeMark(ContractError):
    """No agent has written a time mark yet, so nothing that decides by time can be done."""

    code = "GL-CHN-013"
    exit_code = 21
    status = 503
    retriable = True

    def __init__(self, *, contract: str = "") -> None:
        super().__init__("there is no time mark yet; is an agent running?", contract=contract)


class WriteInQuery(ContractError):
    """A function that is declared a query wrote something."""

    code = "GL-CHN-014"
    exit_code = 18
    status = 500
    field_types: ClassVar[Mapping[str, type]] = {"function": str}

    def __init__(self, function: str, *, contract: str = "") -> None:
        super().__init__(f"{function} is a query, but wrote", contract=contract, function=function)


class PeerError(ContractError):
    """A peer refused or could not do what the contract asked of it, or ended the transaction meanwhile.

    Parameters
    ----------
    message : str
        The peer's own words.
    request : str
        Type of the request, such as ``GET_QUERY_RESULT``.

    Notes
    -----
    Examples are a rich query on LevelDB, a write after a paged query, private data that the caller may not
    read, and a chaincode that is not deployed. A contract may catch it; left alone it ends the transaction.
    """

    code = "GL-CHN-015"
    exit_code = 10
    status = 502
    field_types: ClassVar[Mapping[str, type]] = {"request": str}

    def __init__(self, message: str, *, request: str, contract: str = "") -> None:
        super().__init__(message, contract=contract, request=request)

    @property
    def request(self) -> str:
        """Type of the request."""
        return cast("str", self.fields["request"])


class NotBundled(ContractError):
    """A function is not declared to go in bundles of calls, or is called in a bundle of the other kind.

    Parameters
    ----------
    function : str
        What was called, `contract:Function`.
    """

    code = "GL-CHN-018"
    exit_code = 11
    status = 400
    field_types: ClassVar[Mapping[str, type]] = {"function": str}

    def __init__(self, function: str, *, contract: str = "") -> None:
        super().__init__(f"{function} does not go in this bundle", contract=contract, function=function)


class CallsCollide(ContractError):
    """A call touches a key that an earlier call of its bundle wrote; alone it may succeed.

    Parameters
    ----------
    place : int
        The call's place in the bundle, from 0.
    """

    code = "GL-CHN-019"
    exit_code = 16
    status = 409
    retriable = True
    field_types: ClassVar[Mapping[str, type]] = {"place": int}

    def __init__(self, place: int, *, contract: str = "") -> None:
        super().__init__(
            f"call {place} touches what an earlier call of its bundle wrote", contract=contract, place=place
        )
