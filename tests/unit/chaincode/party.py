"""Parties of the exchange on a peer in memory: they call, and sign with the keys of their certificates."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from gridledger.chaincode import GridLedger
from gridledger.model.argument import Argument, decode_argument
from gridledger.model.record import ModelValue
from gridledger.model.roles import Role
from gridledger.shim.testing import Caller, Committed, MemoryPeer, make_caller

T = TypeVar("T")

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_RESULTS = {
    function.full_name: function.result
    for functions in GridLedger().contracts.values()
    for function in functions
}


def low_s(signature: bytes) -> bytes:
    r, s = utils.decode_dss_signature(signature)
    return utils.encode_dss_signature(r, min(s, _ORDER - s))


class Party:
    """An identity, its key, and the peer that it calls."""

    def __init__(self, peer: MemoryPeer, msp_id: str, name: str, *roles: Role) -> None:
        self.peer = peer
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.caller: Caller = make_caller(msp_id, name=name, roles=roles, key=self.key)
        self._calls = 0

    async def submit(self, function: str, *arguments: Argument) -> Any:
        """Submit and return the result, read as the contract declares it."""
        return decode_argument(_RESULTS[function], (await self.commit(function, *arguments)).payload)

    async def commit(self, function: str, *arguments: Argument) -> Committed:
        return await self.peer.submit(function, *arguments, caller=self.caller)

    async def once(self, function: str, *arguments: Argument) -> Any:
        """Submit a function that wants a call key, with a new one."""
        self._calls += 1
        return await self.submit(function, f"{self.name}.{self._calls}", *arguments)

    async def ask(self, function: str, *arguments: Argument) -> Any:
        payload = await self.peer.evaluate(function, *arguments, caller=self.caller)
        return decode_argument(_RESULTS[function], payload)

    def sign(self, record: ModelValue) -> bytes:
        return low_s(self.key.sign(record.to_bytes(), ec.ECDSA(hashes.SHA256())))


def hexadecimal(text: str) -> str:
    """Return 64 hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()
