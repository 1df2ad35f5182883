"""Functions that a contract declares: how they are called, by whom, with what."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints, overload

from gridledger.model.argument import ArgumentCodec, argument_codec, encode_argument
from gridledger.model.call import Call, CallKey
from gridledger.model.errors import ModelError
from gridledger.model.keys import KeyPrefix
from gridledger.model.refusals import BadArgument, CallCancelled, CallRepeated, DefectInContract
from gridledger.model.roles import Role
from gridledger.model.states import CallState
from gridledger.shim.context import Context
from gridledger.shim.key import Key
from gridledger.shim.stub import ChaincodeStub

__all__ = ["ContractFunction", "Declaration", "Kind", "Parameter", "call_row_key", "query", "transaction"]

_DECLARATION = "__gridledger_declaration__"
_CALL_KEY = "call_key"

_Method = TypeVar("_Method", bound=Callable[..., Awaitable[Any]])


class Kind(StrEnum):
    """Whether a function writes."""

    TRANSACTION = "submit"
    QUERY = "evaluate"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a decorator says about a method."""

    kind: Kind
    roles: tuple[Role, ...] = ()
    once: bool = False
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument on the wire; one that is not required may be left out at the end."""

    name: str
    annotation: object
    required: bool
    codec: ArgumentCodec[Any]


@overload
def transaction(method: _Method, /) -> _Method: ...
@overload
def transaction(
    *, roles: Sequence[Role] = (), once: bool = False, bundled: bool = False
) -> Callable[[_Method], _Method]: ...
def transaction(
    method: _Method | None = None,
    /,
    *,
    roles: Sequence[Role] = (),
    once: bool = False,
    bundled: bool = False,
) -> _Method | Callable[[_Method], _Method]:
    """Declare a method of a contract as a function that writes.

    Parameters
    ----------
    roles : sequence of Role, default ()
        A caller needs one of them; empty admits every identity of the channel.
    once : bool, default False
        The caller puts a call key before the arguments, and a second call under it is refused with
        `CallRepeated`.
    bundled : bool, default False
        It may go in a bundle with other calls. Such a function reads by key, names what it makes by
        `call_id`, and numbers within a transaction from its `place` on.
    """
    declaration = Declaration(Kind.TRANSACTION, tuple(roles), once, bundled)
    return _declare(declaration) if method is None else _declare(declaration)(method)


@overload
def query(method: _Method, /) -> _Method: ...
@overload
def query(*, roles: Sequence[Role] = (), bundled: bool = False) -> Callable[[_Method], _Method]: ...
def query(
    method: _Method | None = None, /, *, roles: Sequence[Role] = (), bundled: bool = False
) -> _Method | Callable[[_Method], _Method]:
    """Declare a method of a contract as a function that only reads; a write in it is refused.

    Parameters
    ----------
    roles : sequence of Role, default ()
        A caller needs one of them. This hides nothing: every member reads the state of its own peer.
    bundled : bool, default False
        It may go in a bundle with other queries; it then reads by key.
    """
    declaration = Declaration(Kind.QUERY, tuple(roles), bundled=bundled)
    return _declare(declaration) if method is None else _declare(declaration)(method)


def _declare(declaration: Declaration) -> Callable[[_Method], _Method]:
    def mark(method: _Method) -> _Method:
        setattr(method, _DECLARATION, declaration)
        return method

    return mark


def call_row_key(msp_id: str, call_key: str) -> Key[Call]:
    """Return where the row of a call key stands: each organisation has its own."""
    return Key(Call, KeyPrefix.CALL, msp_id, call_key)


class ContractFunction:
    """A declared method, ready to be called with raw arguments.

    Parameters
    ----------
    contract : str
        The contract's name.
    method : callable
        The bound method; `async def name(self, ctx, …) -> Result`, all annotated.

    Raises
    ------
    TypeError
        If the method's form or one of its types cannot be called from outside.
    """

    def __init__(self, contract: str, method: Callable[..., Awaitable[Any]]) -> None:
        self.contract = contract
        self.method = method
        self.declaration: Declaration = getattr(method, _DECLARATION)
        python_name = getattr(method, "__name__", "")
        self.name = "".join(part.capitalize() for part in python_name.split("_"))
        self.full_name = f"{contract}:{self.name}"
        self.doc = inspect.getdoc(method) or ""
        hints = get_type_hints(method, include_extras=True)
        if not inspect.iscoroutinefunction(method) or "return" not in hints:
            raise TypeError(f"{self.full_name}: wants async def and an annotated result")
        self.result: object = hints["return"]
        argument_codec(self.result)
        declared = list(inspect.signature(method).parameters.values())
        if not declared or hints.get(declared[0].name) is not Context:
            raise TypeError(f"{self.full_name}: the first parameter is a Context")
        parameters = [self._parameter(one, hints) for one in declared[1:]]
        if self.declaration.once:
            parameters.insert(0, Parameter(_CALL_KEY, CallKey, True, argument_codec(CallKey)))
        self.parameters: tuple[Parameter, ...] = tuple(parameters)

    @staticmethod
    def is_declared(method: object) -> bool:
        """Tell whether a decorator was put on a method."""
        return hasattr(method, _DECLARATION)

    def _parameter(self, declared: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
        if declared.kind not in (declared.POSITIONAL_ONLY, declared.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"{self.full_name}: {declared.name} cannot be given by position")
        if declared.name not in hints:
            raise TypeError(f"{self.full_name}: {declared.name} has no annotation")
        annotation = hints[declared.name]
        required = declared.default is declared.empty
        return Parameter(declared.name, annotation, required, argument_codec(annotation))

    async def call(self, stub: ChaincodeStub, arguments: Sequence[bytes]) -> bytes:
        """Check caller and arguments, run the method, write its result.

        Raises
        ------
        AccessDenied
            If the caller has none of the declared roles.
        BadArgument
            If arguments are missing, too many or not of their types; all problems are named.
        CallRepeated, CallCancelled
            If a function declared with ``once=True`` finds its call key used.
        WriteInQuery
            If a query writes.
        """
        declaration = self.declaration
        context = Context(stub, self.full_name)
        values = self._accept(context, self.parameters, arguments)
        if declaration.kind is Kind.QUERY:
            stub.forbid_writes(self.full_name)
        else:
            stub.start_write_batch()
        if declaration.once:
            context.call_key = values.pop(0)
            result = await self._call_once(context, values)
        else:
            result = await self.method(context, *values)
        return self._write(result)

    async def call_bundled(self, context: Context, arguments: Sequence[bytes]) -> bytes:
        """Call it as one of a bundle, which keeps its writes, and whose call key is that of all its calls.

        Raises
        ------
        AccessDenied, BadArgument
            See `call`.
        """
        parameters = self.parameters[1:] if self.declaration.once else self.parameters
        values = self._accept(context, parameters, arguments)
        return self._write(await self.method(context, *values))

    def _accept(
        self, context: Context, parameters: Sequence[Parameter], arguments: Sequence[bytes]
    ) -> list[Any]:
        """Check the caller's role, then read the arguments."""
        if self.declaration.roles:
            context.require_role(*self.declaration.roles)
        return self._read(parameters, arguments)

    def _write(self, result: Any) -> bytes:
        try:
            return encode_argument(result)
        except ModelError as exc:
            raise DefectInContract(f"{self.full_name} returned what cannot be written: {exc}") from exc

    async def _call_once(self, context: Context, values: list[Any]) -> Any:
        key = call_row_key(context.msp_id, context.call_key)
        row = await context.get(key)
        if row is not None:
            raise CallRepeated(row.tx_id) if row.state is CallState.DONE else CallCancelled(row.tx_id)
        result = await self.method(context, *values)
        await context.put(key, Call(state=CallState.DONE, tx_id=context.tx_id, function=self.full_name))
        return result

    def _read(self, parameters: Sequence[Parameter], arguments: Sequence[bytes]) -> list[Any]:
        if len(arguments) != len(parameters) and not (
            sum(one.required for one in parameters) <= len(arguments) <= len(parameters)
        ):
            wanted = ", ".join(one.name for one in parameters) or "no arguments"
            raise BadArgument({"": f"{len(arguments)} arguments; {self.full_name} takes {wanted}"})
        values: list[Any] = []
        problems: dict[str, str] = {}
        for parameter, data in zip(parameters, arguments, strict=False):
            try:
                values.append(parameter.codec.decode(data))
            except ModelError as exc:
                problems.update(BadArgument.from_model_error(exc, argument=parameter.name).problems)
        if problems:
            raise BadArgument(problems)
        return values
