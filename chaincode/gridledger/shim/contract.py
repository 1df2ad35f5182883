"""Contracts, and the chaincode that is made of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from gridledger.model.errors import ContractError, ModelError
from gridledger.model.refusals import BadArgument, DefectInContract, UnknownFunction
from gridledger.shim.context import Context
from gridledger.shim.function import ContractFunction, query
from gridledger.shim.metadata import METADATA_CONTRACT, describe, shares_type_names
from gridledger.shim.response import Response, refusal, success
from gridledger.shim.stub import ChaincodeStub

__all__ = ["Contract", "ContractChaincode"]

_logger = logging.getLogger("gridledger.shim")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")


class Contract:
    """A group of functions under one name.

    A subclass sets `name` and marks its coroutine methods with `@transaction` or `@query`;
    `register_system` is called as ``registry:RegisterSystem``. The docstring's first line is its
    description in the metadata.

    Notes
    -----
    A contract is a function of state, arguments, transient data, transaction id, creator and claimed time.
    It has no clock, random numbers, floats, environment, input or output, and nothing that depends on the
    order of a set: organisations run it apart from each other, and results that differ are not endorsed. It
    keeps nothing in its attributes, since one instance serves many transactions at once.
    """

    name: ClassVar[str] = ""

    def functions(self) -> list[ContractFunction]:
        """Return the declared functions, by name.

        Raises
        ------
        TypeError
            If the contract has no proper name, or one of its functions no proper form.
        """
        if _NAME.fullmatch(self.name) is None:
            raise TypeError(f"{type(self).__name__}: {self.name!r} is no name of a contract")
        names = (name for name in dir(type(self)) if ContractFunction.is_declared(getattr(type(self), name)))
        return [ContractFunction(self.name, getattr(self, name)) for name in names]


class _MetadataContract(Contract):
    """What tools ask to see the other contracts."""

    name = METADATA_CONTRACT

    def __init__(self, title: str, version: str) -> None:
        self._title = title
        self._version = version
        self._contracts: Mapping[str, Sequence[ContractFunction]] = {}
        self._text: str | None = None

    @query
    async def get_metadata(self, ctx: Context) -> str:
        """Return the metadata of the official contract API, as JSON."""
        del ctx
        return self._describe()

    def watch(self, contracts: Mapping[str, Sequence[ContractFunction]]) -> None:
        """Take the contracts to describe; raises TypeError if that is not possible."""
        self._contracts = contracts
        if shares_type_names(contracts):
            self._describe()

    def _describe(self) -> str:
        # Made when it is asked for: schemas of all types take longer than the rest of a chaincode's start.
        if self._text is None:
            self._text = describe(self._contracts, title=self._title, version=self._version)
        return self._text


class ContractChaincode:
    """A chaincode made of contracts, with the contract `ledger` and the metadata.

    Parameters
    ----------
    *contracts : Contract
        The first one answers function names without a contract.
    title, version : str
        For the metadata.

    Raises
    ------
    TypeError
        If two contracts have one name, one breaks the rules of `Contract`, or two types of one name differ.

    Notes
    -----
    What a function raises is answered as follows; nothing of its writes stays, where the peer takes batches
    not even for a chaincode that called this one and goes on.

    | raised | answer |
    |---|---|
    | `ContractError` | the refusal, with its status |
    | `ModelError` | `BadArgument` (GL-CHN-003) with the same problems |
    | any other exception | `DefectInContract` (GL-CHN-009); the traceback is logged here |
    """

    def __init__(self, *contracts: Contract, title: str = "", version: str = "1.0.0") -> None:
        from gridledger.shim.ledger_contract import LedgerContract  # it is a Contract itself

        metadata = _MetadataContract(title or type(self).__name__, version)
        by_name: dict[str, list[ContractFunction]] = {}
        ledger = LedgerContract()
        for contract in (*contracts, ledger, metadata):
            if contract.name in by_name:
                raise TypeError(f"there are two contracts {contract.name}")
            by_name[contract.name] = contract.functions()
        self._functions: dict[bytes, ContractFunction] = {
            function.full_name.encode(): function for functions in by_name.values() for function in functions
        }
        if contracts:
            self._functions |= {one.name.encode(): one for one in by_name[contracts[0].name]}
        self.contracts: dict[str, tuple[ContractFunction, ...]] = {
            name: tuple(functions) for name, functions in by_name.items()
        }
        metadata.watch(self.contracts)
        ledger.watch(self._functions)

    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Answer one transaction."""
        arguments = stub.get_args()
        if not arguments and stub.is_init:
            return success()
        name = arguments[0] if arguments else b""
        function = self._functions.get(name)
        if function is None:
            return refusal(UnknownFunction(name[:100].decode(errors="replace")))
        try:
            return success(await function.call(stub, arguments[1:]))
        except ContractError as exc:
            exc.contract = exc.contract or function.contract
            return refusal(exc)
        except ModelError as exc:
            return refusal(BadArgument.from_model_error(exc, contract=function.contract))
        except Exception as exc:
            _logger.exception("%s failed in transaction %s", function.full_name, stub.get_tx_id())
            text = f"{function.full_name} failed: {type(exc).__name__}"
            return refusal(DefectInContract(text, contract=function.contract))
