"""Steps: what a test asks a chaincode to do with its stub, in one transaction, written in the test itself.

    await org1.submit(do.put_state(key, b"1"), do.get_state(key))

Each step is the call of one stub function; its result comes back, bytes and rows included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "Step", "decode_results", "decode_steps", "do", "encode_results", "encode_steps"]

Row = tuple[str, bytes]


@dataclass(frozen=True)
class Step:
    """The call of one stub function."""

    name: str
    arguments: tuple[Any, ...]


class _Steps:
    """`do.put_state(key, value)` is the step that calls `stub.put_state(key, value)`."""

    def __getattr__(self, name: str) -> Callable[..., Step]:
        def step(*arguments: object) -> Step:
            return Step(name, arguments)

        return step


do = _Steps()


def encode_steps(steps: Sequence[Step]) -> bytes:
    return json.dumps([[step.name, _pack(list(step.arguments))] for step in steps]).encode()


def decode_steps(data: bytes) -> list[Step]:
    return [Step(name, tuple(_unpack(arguments))) for name, arguments in json.loads(data)]


def encode_results(results: Sequence[object]) -> bytes:
    return json.dumps(_pack(list(results))).encode()


def decode_results(data: bytes) -> list[Any]:
    results = _unpack(json.loads(data))
    assert isinstance(results, list)
    return results


def _pack(value: Any) -> Any:
    """Make JSON of a value: bytes become {"hex": …}, tuples {"tuple": […]}, other mappings {"map": …}."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, tuple):
        return {"tuple": [_pack(item) for item in value]}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    if isinstance(value, dict):
        return {"map": {key: _pack(item) for key, item in value.items()}}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        if kind == "hex":
            return bytes.fromhex(content)
        if kind == "tuple":
            return tuple(_unpack(item) for item in content)
        return {key: _unpack(item) for key, item in content.items()}
    return value
