"""The chaincodes that benchmarks call: on the bare stub, and in the contract layer."""

from __future__ import annotations

from gridledger.shim import (
    ChaincodeStub,
    Context,
    Contract,
    ContractChaincode,
    Response,
    error,
    success,
    transaction,
)

__all__ = ["BareBench", "ContractBench"]

KEYS = 8


class BareBench:
    """`Put` writes a value; `Batched` and `OneByOne` read eight keys and write eight."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, parameters = stub.get_function_and_parameters()
        key, value = parameters
        match function:
            case "Put":
                await stub.put_state(key, value.encode())
            case "Batched":
                stub.start_write_batch()
                await _batched(stub, key, value.encode())
            case "OneByOne":
                await _one_by_one(stub, key, value.encode())
            case _:
                return error(function)
        return success()


class _Bench(Contract):
    name = "bench"

    @transaction
    async def put(self, ctx: Context, key: str, value: str) -> None:
        """Write a value."""
        await ctx.stub.put_state(key, value.encode())

    @transaction
    async def batched(self, ctx: Context, prefix: str, value: str) -> None:
        """Read eight keys and write eight, as the contract layer does it."""
        await _batched(ctx.stub, prefix, value.encode())

    @transaction
    async def one_by_one(self, ctx: Context, prefix: str, value: str) -> None:
        """Read eight keys and write eight, each with a message of its own."""
        await ctx.stub.finish_write_batch()
        await _one_by_one(ctx.stub, prefix, value.encode())


class ContractBench(ContractChaincode):
    """The same three in the contract layer."""

    def __init__(self) -> None:
        super().__init__(_Bench())


async def _batched(stub: ChaincodeStub, prefix: str, value: bytes) -> None:
    keys = [f"{prefix}.{number}" for number in range(KEYS)]
    for key, before in zip(keys, await stub.get_multiple_states(*keys), strict=True):
        await stub.put_state(key, (before or b"") + value)


async def _one_by_one(stub: ChaincodeStub, prefix: str, value: bytes) -> None:
    for number in range(KEYS):
        key = f"{prefix}.{number}"
        before = await stub.get_state(key)
        await stub.put_state(key, (before or b"") + value)
