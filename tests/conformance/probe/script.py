"""A chaincode that does what its argument says, one stub call after the other."""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.probe.steps import Step, decode_steps, encode_results

from gridledger.shim import (
    ChaincodeStub,
    Creator,
    HistoryIterator,
    PeerError,
    Response,
    SignedProposal,
    StateIterator,
    error,
    success,
)
from gridledger.shim.wire import MessageType

__all__ = ["ScriptProbe"]


class ScriptProbe:
    """`Run` takes steps (see `steps`); every other function gives its arguments back.

    Beside the stub's own functions there are steps for what a chaincode may do around them: refuse, crash,
    sleep, draw a random number, ask many things at once.
    """

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, *arguments = stub.get_args()
        if function != b"Run":
            return success(encode_results(stub.get_args()))
        results: list[Any] = []
        for step in decode_steps(arguments[0]):
            if step.name == "refuse":
                message, status = step.arguments
                return error(message, status=status)
            if step.name == "respond":
                status, payload = step.arguments
                return Response(status, "as asked", payload)
            results.append(await _take(stub, step))
        return success(encode_results(results))


async def _take(stub: ChaincodeStub, step: Step) -> Any:
    own = _OWN_STEPS.get(step.name)
    if own is not None:
        return await own(stub, *step.arguments)
    member = getattr(stub, step.name)
    result = member(*step.arguments) if callable(member) else member
    return await _plain(await result if inspect.isawaitable(result) else result)


async def _plain(result: Any) -> Any:
    """Make values of what the stub returns: rows are fetched, objects become their parts."""
    if isinstance(result, StateIterator):
        return [(row.key, row.value) async for row in result]
    if isinstance(result, HistoryIterator):
        return [
            {
                "tx_id": row.tx_id,
                "value": row.value,
                "time_ms": row.timestamp.milliseconds,
                "is_delete": row.is_delete,
            }
            async for row in result
        ]
    if isinstance(result, Response):
        return {"status": result.status, "message": result.message, "payload": result.payload}
    if isinstance(result, Creator):
        return {
            "msp_id": result.msp_id,
            "certificate": result.id_bytes,
            "attributes": dict(result.attributes),
            "units": list(result.organizational_units),
            "id": result.id,
        }
    if isinstance(result, SignedProposal):
        return tuple(result)
    if isinstance(result, tuple) and result and isinstance(result[0], StateIterator):
        iterator, metadata = result
        return [await _plain(iterator), metadata.fetched_records_count, metadata.bookmark]
    return result


async def _attempt(stub: ChaincodeStub, name: str, *arguments: Any) -> Any:
    """Take a step that the peer may refuse, and go on: its result, or the peer's words."""
    try:
        return {"result": await _take(stub, Step(name, arguments))}
    except PeerError as problem:
        return {"refused": problem.message}


async def _at_once(stub: ChaincodeStub, *steps: tuple[Any, ...]) -> list[Any]:
    return list(await asyncio.gather(*(_take(stub, Step(name, tuple(rest))) for name, *rest in steps)))


async def _crash(stub: ChaincodeStub, message: str) -> None:
    raise RuntimeError(message)


async def _sleep(stub: ChaincodeStub, seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _draw(stub: ChaincodeStub) -> bytes:
    return secrets.token_bytes(16)


async def _put_drawn(stub: ChaincodeStub, key: str) -> None:
    await stub.put_state(key, secrets.token_bytes(16))


async def _emit_drawn(stub: ChaincodeStub, name: str) -> None:
    stub.set_event(name, secrets.token_bytes(16))


async def _process(stub: ChaincodeStub) -> int:
    return os.getpid()


async def _ask(stub: ChaincodeStub, kind: int, payload: bytes) -> bytes:
    """Send the peer a message that the stub would not send."""
    return await stub._transaction.ask(MessageType(kind), payload)


async def _big_result(stub: ChaincodeStub, size: int) -> bytes:
    return bytes(size)


async def _put_zeros(stub: ChaincodeStub, key: str, size: int) -> None:
    await stub.put_state(key, bytes(size))


async def _put_many(stub: ChaincodeStub, prefix: str, count: int, value: bytes) -> None:
    for index in range(count):
        await stub.put_state(f"{prefix}{index:05}", value)


async def _get_many(stub: ChaincodeStub, prefix: str, count: int) -> list[bytes | None]:
    return await stub.get_multiple_states(*(f"{prefix}{index:05}" for index in range(count)))


async def _copy(stub: ChaincodeStub, source: str, target: str) -> None:
    """Read one key and write another, so that the write depends on the read."""
    await stub.put_state(target, await stub.get_state(source) or b"absent")


async def _add(stub: ChaincodeStub, key: str, amount: int) -> int:
    """Read, add, write: two of these on one key in one block conflict."""
    total = int(await stub.get_state(key) or b"0") + amount
    await stub.put_state(key, str(total).encode())
    return total


async def _fold_range(stub: ChaincodeStub, start: str, end: str, target: str) -> int:
    """Sum rows found by range into one key, and delete them."""
    rows = [(row.key, row.value) async for row in await stub.get_state_by_range(start, end)]
    return await _fold(stub, rows, target)


async def _fold_named(stub: ChaincodeStub, keys: list[str], target: str) -> int:
    """Sum rows read by name into one key, and delete them."""
    values = await stub.get_multiple_states(*keys)
    return await _fold(stub, [(key, value or b"0") for key, value in zip(keys, values, strict=True)], target)


async def _fold(stub: ChaincodeStub, rows: list[tuple[str, bytes]], target: str) -> int:
    total = sum(int(value) for _, value in rows)
    for key, _ in rows:
        await stub.del_state(key)
    await stub.put_state(target, str(total).encode())
    return total


async def _first_rows(stub: ChaincodeStub, start: str, end: str, count: int) -> list[tuple[str, bytes]]:
    """Read a range's first rows only, and close it."""
    rows: list[tuple[str, bytes]] = []
    async with await stub.get_state_by_range(start, end) as iterator:
        async for row in iterator:
            rows.append((row.key, row.value))
            if len(rows) == count:
                break
    return rows


async def _two_ranges(
    stub: ChaincodeStub, first: tuple[str, str], second: tuple[str, str]
) -> list[tuple[str, str]]:
    """Read two ranges in turn, a row of each."""
    one = await stub.get_state_by_range(*first)
    two = await stub.get_state_by_range(*second)
    return [(row.key, (await anext(two)).key) async for row in one]


async def _put_private_of_transient(stub: ChaincodeStub, collection: str, key: str, name: str) -> None:
    await stub.put_private_data(collection, key, stub.get_transient()[name])


_OWN_STEPS: dict[str, Callable[..., Awaitable[Any]]] = {
    "ask": _ask,
    "attempt": _attempt,
    "at_once": _at_once,
    "crash": _crash,
    "sleep": _sleep,
    "draw": _draw,
    "put_drawn": _put_drawn,
    "emit_drawn": _emit_drawn,
    "process": _process,
    "big_result": _big_result,
    "put_zeros": _put_zeros,
    "put_many": _put_many,
    "get_many": _get_many,
    "copy": _copy,
    "add": _add,
    "fold_range": _fold_range,
    "fold_named": _fold_named,
    "first_rows": _first_rows,
    "two_ranges": _two_ranges,
    "put_private_of_transient": _put_private_of_transient,
}
