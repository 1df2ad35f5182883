"""A chaincode for tests: every call is a simulator's method on its own namespace."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from gridledger.network.devnet.simulator import VALIDATION_PARAMETER, Simulator

NAMESPACE = "keeper"


async def keeper(simulator: Simulator, arguments: Sequence[bytes]) -> bytes:
    """Do what the first argument says; ValueError is the chaincode's own refusal."""
    function, *rest = (argument.decode() for argument in arguments)
    match function:
        case "put":
            simulator.put(NAMESPACE, rest[0], rest[1].encode())
        case "delete":
            simulator.put(NAMESPACE, rest[0], b"")
        case "get":
            return simulator.get(NAMESPACE, rest[0]) or b""
        case "add":
            old = int(simulator.get(NAMESPACE, rest[0]) or b"0")
            simulator.put(NAMESPACE, rest[0], str(old + int(rest[1])).encode())
        case "put and get":
            simulator.put(NAMESPACE, rest[0], rest[1].encode())
            return simulator.get(NAMESPACE, rest[0]) or b""
        case "count":
            scan = simulator.range(NAMESPACE, rest[0], rest[1])
            found = 0
            while scan.next() is not None:
                found += 1
            if len(rest) > 2:
                simulator.put(NAMESPACE, rest[2], str(found).encode())
            return str(found).encode()
        case "random":
            simulator.put(NAMESPACE, rest[0], secrets.token_bytes(8))
        case "policy":
            simulator.put_metadata(NAMESPACE, rest[0], {VALIDATION_PARAMETER: bytes.fromhex(rest[1])})
        case "put private":
            simulator.put_private(NAMESPACE, rest[0], rest[1], rest[2].encode())
        case "get private":
            return simulator.get_private(NAMESPACE, rest[0], rest[1]) or b""
        case "hash":
            return simulator.get_private_hash(NAMESPACE, rest[0], rest[1]) or b""
        case "purge":
            simulator.put_private(NAMESPACE, rest[0], rest[1], b"", purge=True)
        case "add private":
            old = int(simulator.get_private(NAMESPACE, rest[0], rest[1]) or b"0")
            simulator.put_private(NAMESPACE, rest[0], rest[1], str(old + int(rest[2])).encode())
        case "announce":
            return rest[0].encode()
        case "refuse":
            raise ValueError(rest[0])
        case _:
            return b"unknown"
    return b""
